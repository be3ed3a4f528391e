"""Chapter 8: residential areas and the people who pass their gates."""

from __future__ import annotations

from typing import Annotated

from taigan.bolink import values
from taigan.bolink.describing.interface import (
    COMMUNITY,
    OWN_DESIGN,
    VERDICT_INSIDE,
    AnyInterface,
    Completeness,
    Direction,
    Interface,
    Repeat,
    Wrapping,
)
from taigan.bolink.fields import Message, Note, Whole
from taigan.bolink.wire.codec import read


class Verdict(Message):
    """8.2: what the answer's text holds."""

    state: Annotated[Whole, Note("1 in the success example", "1")]
    message: Annotated[str | None, Note("text of the reporting result", "上报成功")] = None


class Reported(Message):
    """8.2 数据签名, answer: the same for every interface of the chapter, a JSON text inside JSON."""

    code: Annotated[Whole, Note("outer result; 1 in the success example", "1")]
    data: Annotated[
        str, Note("a JSON document encoded as a string", '{"state":1,"message":"上报成功"}', json_text=Verdict)
    ]
    message: Annotated[str | None, Note("outer text", "成功")] = None

    def verdict(self) -> Verdict:
        """What the text in `data` says."""
        return read(self.data.encode(), Verdict)


class Login(Message):
    """8.3 登录接口, request: opens a session with a platform.

    Times are yyyy-MM-dd HH:mm:ss. Own design: the document's page is not public.
    """

    user_name: Annotated[str, Note("account at the platform", "taigan", own_design=True)]
    time: Annotated[
        str,
        Note(
            "time of the request, yyyy-MM-dd HH:mm:ss",
            "2022-02-24 16:20:41",
            unit="yyyy-MM-dd HH:mm:ss",
            own_design=True,
        ),
    ]


class LoginVerdict(Verdict):
    """8.3: who logged in, inside the answer's text."""

    token: Annotated[str | None, Note("the session", "6F4C859", own_design=True)] = None
    expires_in: Annotated[
        Whole | None, Note("seconds until the session ends", "7200", unit="seconds", own_design=True)
    ] = None


class LoggedIn(Reported):
    """8.3 登录接口, answer.

    Own design: the document's page is not public.
    """

    data: Annotated[str, Note("a JSON document encoded as a string", own_design=True, json_text=LoginVerdict)]

    def verdict(self) -> LoginVerdict:
        """What the text in `data` says."""
        return read(self.data.encode(), LoginVerdict)


class Community(Message):
    """8.4 小区数据采集接口, request: reports a residential area.

    Own design: the document's page is not public.
    """

    project_code: Annotated[Whole, Note("code of the residential area", "62", own_design=True)]
    community_name: Annotated[str, Note("name of the residential area", "陈前小区", own_design=True)]
    address: Annotated[str | None, Note("address", "北京上地三街9号", own_design=True)] = None
    longitude: Annotated[str | None, Note("longitude", "116.307689", own_design=True)] = None
    latitude: Annotated[str | None, Note("latitude", "40.037256", own_design=True)] = None
    telephone: Annotated[str | None, Note("contact number", "13900000000", own_design=True)] = None


class CommunityReported(Reported):
    """8.4 小区数据采集接口, answer.

    Own design: the document's page is not public.
    """


class Device(Message):
    """8.5 设备信息采集, request: reports a device at a gate.

    Own design: the document's page is not public.
    """

    equipment_code: Annotated[str, Note("device serial number", "FD-0001", own_design=True)]
    equipment_name: Annotated[str | None, Note("device name", "东门人脸机", own_design=True)] = None
    project_code: Annotated[Whole, Note("code of the residential area", "62", own_design=True)]
    community_name: Annotated[str | None, Note("name of the residential area", "陈前小区", own_design=True)] = None
    gate_name: Annotated[str | None, Note("gate name", "东门", own_design=True)] = None
    aisle_name: Annotated[str | None, Note("lane (passage) name", "东门通道1", own_design=True)] = None
    longitude: Annotated[str | None, Note("longitude", "116.307689", own_design=True)] = None
    latitude: Annotated[str | None, Note("latitude", "40.037256", own_design=True)] = None


class DeviceReported(Reported):
    """8.5 设备信息采集, answer.

    Own design: the document's page is not public.
    """


class Face(Message):
    """8.6 人脸数据传输接口, request: reports a person's face.

    Own design: the document's page is not public.
    """

    user_code: Annotated[str, Note("person code", "1", own_design=True)]
    name: Annotated[str, Note("person's name", "张三", own_design=True)]
    user_type: Annotated[str | None, Note("kind of person", "1", values=(values.PersonKind,), own_design=True)] = None
    project_code: Annotated[Whole, Note("code of the residential area", "62", own_design=True)]
    face_img: Annotated[
        str, Note("face image, a URL reachable from outside", "https://image.bolink.club/face.jpg", own_design=True)
    ]
    face_img_small: Annotated[
        str | None,
        Note("small face image, a URL reachable from outside", "https://image.bolink.club/face_s.jpg", own_design=True),
    ] = None
    id_number: Annotated[str | None, Note("identity-card number", "110000202202222222", own_design=True)] = None
    telephone: Annotated[str | None, Note("contact number", "8888888888", own_design=True)] = None


class FaceReported(Reported):
    """8.6 人脸数据传输接口, answer.

    Own design: the document's page is not public.
    """


class PersonRecord(Message):
    """8.7 人员进出记录, request: reports that a person went in or out.

    Times are yyyy-MM-dd HH:mm:ss.
    """

    name: Annotated[str | None, Note("person's name", "张三")] = None
    time: Annotated[
        str | None, Note("time of passage, yyyy-MM-dd HH:mm:ss", "2022-02-22 22:22:22", unit="yyyy-MM-dd HH:mm:ss")
    ] = None
    pass_type: Annotated[str | None, Note("direction of passage", "in", values=(values.PassDirection,))] = None
    user_type: Annotated[str | None, Note("kind of person", "1", values=(values.PersonKind,))] = None
    id_number: Annotated[str | None, Note("identity-card number", "110000202202222222")] = None
    telephone: Annotated[str | None, Note("contact number", "8888888888")] = None
    face_img: Annotated[str | None, Note("face image, a URL reachable from outside", "https://****")] = None
    user_code: Annotated[str | None, Note("person code")] = None
    project_code: Annotated[Whole | None, Note("code of the residential area")] = None
    gate_name: Annotated[str | None, Note("gate name")] = None
    aisle_name: Annotated[str | None, Note("lane (passage) name")] = None
    community_name: Annotated[str | None, Note("name of the residential area", needed=True)] = None
    longitude: Annotated[str | None, Note("longitude")] = None
    latitude: Annotated[str | None, Note("latitude")] = None
    equipment_code: Annotated[str | None, Note("device serial number")] = None
    health_code: Annotated[str | None, Note("colour of the health code", "0", values=(values.HealthCode,))] = None
    url: Annotated[
        str | None,
        Note(
            "server address; must be a complete address",
            "http://58.218.171.250:17404/jeecg-boot/api/savePersonRecord",
            needed="when reporting to the Jiangsu non-coal-mine safety-risk monitoring and early-warning "
            "system (江苏省非煤矿安全风险监测预警系统)",
        ),
    ] = None
    pass_way: Annotated[str | None, Note("how the person passed", "1", values=(values.PassWay,))] = None
    third_user_id: Annotated[str | None, Note("user id on the third-party platform", "1")] = None
    face_img_small: Annotated[str | None, Note("small face image, a URL reachable from outside", "https://****")] = None
    point_code: Annotated[str | None, Note("id of the device's location point", "1")] = None
    people_sex: Annotated[str | None, Note("sex; note the unusual order", "1", values=(values.Sex,))] = None
    match_result: Annotated[str | None, Note("comparison score, two decimals, 0.00 to 100.00", "100.00")] = None
    people_nation: Annotated[str | None, Note("ethnic group", "汉")] = None


class PersonReported(Reported):
    """8.7 人员进出记录, answer."""


class QueryReports(Message):
    """8.8 上报状态查询接口, request: asks how many reports a platform took.

    Times are yyyy-MM-dd HH:mm:ss. Own design: the document's page is not public.
    """

    kind: Annotated[str, Note("what was reported: community, device, face or person", "person", own_design=True)]
    start_time: Annotated[
        str | None,
        Note(
            "first moment asked for, yyyy-MM-dd HH:mm:ss",
            "2022-02-24 00:00:00",
            unit="yyyy-MM-dd HH:mm:ss",
            own_design=True,
        ),
    ] = None
    end_time: Annotated[
        str | None,
        Note(
            "last moment asked for, yyyy-MM-dd HH:mm:ss",
            "2022-02-25 00:00:00",
            unit="yyyy-MM-dd HH:mm:ss",
            own_design=True,
        ),
    ] = None


class ReportsVerdict(Verdict):
    """8.8: how many reports were taken, inside the answer's text."""

    taken: Annotated[Whole | None, Note("reports that the platform took", "12", own_design=True)] = None
    refused: Annotated[Whole | None, Note("reports that it refused", "0", own_design=True)] = None


class Reports(Reported):
    """8.8 上报状态查询接口, answer.

    Own design: the document's page is not public.
    """

    data: Annotated[str, Note("a JSON document encoded as a string", own_design=True, json_text=ReportsVerdict)]

    def verdict(self) -> ReportsVerdict:
        """What the text in `data` says."""
        return read(self.data.encode(), ReportsVerdict)


class QueryPlatforms(Message):
    """8.9 人脸门禁数据上报平台, request: asks which platforms can be reported to.

    Own design: the document's page is not public.
    """

    name: Annotated[str | None, Note("only the platform with this platform_name", "shanghai", own_design=True)] = None


class PlatformsVerdict(Verdict):
    """8.9: the platforms, inside the answer's text."""

    platforms: Annotated[list[str] | None, Note("names to use as platform_name", '["shanghai"]', own_design=True)] = (
        None
    )


class Platforms(Reported):
    """8.9 人脸门禁数据上报平台, answer.

    Own design: the document's page is not public.
    """

    data: Annotated[str, Note("a JSON document encoded as a string", own_design=True, json_text=PlatformsVerdict)]

    def verdict(self) -> PlatformsVerdict:
        """What the text in `data` says."""
        return read(self.data.encode(), PlatformsVerdict)


INTERFACES: tuple[AnyInterface, ...] = (
    Interface(
        section="8.3",
        title="Login",
        title_zh="登录接口",
        direction=Direction.UPLINK,
        request=Login,
        answer=LoggedIn,
        path="/yitong/facekey/login",
        wrapping=Wrapping.PLATFORM,
        success=VERDICT_INSIDE,
        repeat=Repeat(True, "a second session replaces the first"),
        method="log_in",
        completeness=Completeness.NOT_FOUND,
        note=OWN_DESIGN,
    ),
    Interface(
        section="8.4",
        title="Residential-area (community) data collection",
        title_zh="小区数据采集接口",
        direction=Direction.UPLINK,
        request=Community,
        answer=CommunityReported,
        path="/yitong/facekey/community",
        wrapping=Wrapping.PLATFORM,
        success=VERDICT_INSIDE,
        repeat=Repeat(True, "project_code names the area; again it replaces what was reported"),
        method="report_community",
        completeness=Completeness.NOT_FOUND,
        note=OWN_DESIGN,
    ),
    Interface(
        section="8.5",
        title="Device information collection",
        title_zh="设备信息采集",
        direction=Direction.UPLINK,
        request=Device,
        answer=DeviceReported,
        path="/yitong/facekey/device",
        wrapping=Wrapping.PLATFORM,
        success=VERDICT_INSIDE,
        repeat=Repeat(True, "equipment_code names the device; again it replaces what was reported"),
        method="report_device",
        completeness=Completeness.NOT_FOUND,
        note=OWN_DESIGN,
    ),
    Interface(
        section="8.6",
        title="Face data transfer",
        title_zh="人脸数据传输接口",
        direction=Direction.UPLINK,
        request=Face,
        answer=FaceReported,
        path="/yitong/facekey/face",
        wrapping=Wrapping.PLATFORM,
        success=VERDICT_INSIDE,
        repeat=Repeat(True, "user_code names the person; again it replaces what was reported"),
        method="report_face",
        completeness=Completeness.NOT_FOUND,
        note=OWN_DESIGN,
    ),
    Interface(
        section="8.7",
        title="Person entry/exit record",
        title_zh="人员进出记录",
        direction=Direction.UPLINK,
        request=PersonRecord,
        answer=PersonReported,
        hosts=COMMUNITY,
        path="/yitong/facekey/personRecord",
        wrapping=Wrapping.PLATFORM,
        success=VERDICT_INSIDE,
        repeat=Repeat(False, "a record has no number; twice sent is twice recorded"),
        method="report_person",
        completeness=Completeness.PARTIAL,
    ),
    Interface(
        section="8.8",
        title="Reporting status query",
        title_zh="上报状态查询接口",
        direction=Direction.UPLINK,
        request=QueryReports,
        answer=Reports,
        path="/yitong/facekey/reportState",
        wrapping=Wrapping.PLATFORM,
        success=VERDICT_INSIDE,
        repeat=Repeat(True, "only asks"),
        method="query_reports",
        completeness=Completeness.NOT_FOUND,
        note=OWN_DESIGN,
    ),
    Interface(
        section="8.9",
        title="Platforms that face-access data is reported to",
        title_zh="人脸门禁数据上报平台",
        direction=Direction.UPLINK,
        request=QueryPlatforms,
        answer=Platforms,
        path="/yitong/facekey/platforms",
        wrapping=Wrapping.PLATFORM,
        success=VERDICT_INSIDE,
        repeat=Repeat(True, "only asks"),
        method="query_platforms",
        completeness=Completeness.NOT_FOUND,
        note=OWN_DESIGN,
    ),
)
