"""Every documented list of values. A field keeps a value that is in no list."""

from __future__ import annotations

import enum


class Docking(enum.IntEnum):
    """How a lot is connected (2.1)."""

    LOT = 0
    """Lot docked directly."""
    CLOUD = 2
    """Cloud platform."""


class State(enum.IntEnum):
    """The marker of most answers and results."""

    FAILED = 0
    SUCCEEDED = 1


class LotChange(enum.IntEnum):
    """What is done to a lot (2.2)."""

    UPDATE = 1
    """Upload free spaces / change price / change contact phone or security mobile."""
    DISABLE = 2
    """Disable the lot."""


class CodeKind(enum.IntEnum):
    """What a QR code is for (2.3)."""

    PREPAY = 1
    """Prepay code."""
    EXIT_PAYMENT = 2
    """Exit direct pay code."""
    NO_PLATE_ENTRY = 3
    """No-plate entry code."""


class YesNo(enum.IntEnum):
    """A switch."""

    NO = 0
    YES = 1


class PrivateCloud(enum.IntEnum):
    """The one value of is_private_cloud (2.4)."""

    ALWAYS = 1
    """Fixed."""


class OnboardingKind(enum.IntEnum):
    """How a merchant is onboarded (2.6)."""

    AGENT = 2
    """Agent, exempt from verification."""
    REAL_NAME = 3
    """Real-name verification."""


class MerchantType(enum.IntEnum):
    """The kind of merchant (2.6)."""

    MICRO = 1
    INDIVIDUAL = 2
    """Individual business."""
    ENTERPRISE = 3
    PUBLIC_INSTITUTION = 4
    OTHER = 5
    """Other organisation."""


class LicenceValidity(enum.IntEnum):
    """The end of a business licence as a kind (2.6)."""

    LONG_TERM = 2
    """Long-term."""


class CarCostType(enum.IntEnum):
    """The category a vehicle is charged as (3.1)."""

    TEMPORARY = 1
    MONTHLY = 2
    """Monthly card."""
    WHITELIST = 3
    NO_PLATE = 4
    GUEST = 5
    """Honoured guest (贵宾车)."""
    VIP = 6
    INTERNAL = 7


class PlateColour(enum.IntEnum):
    """The colour of a plate."""

    BLUE = 0
    YELLOW = 1
    WHITE = 2
    BLACK = 3
    NEW_ENERGY = 4
    YELLOW_GREEN = 5
    """Yellow-green."""
    BLUE_WHITE = 6
    """Blue-white gradient."""
    OTHER = 7


class ExitPayment(enum.StrEnum):
    """How a stay is settled (3.2)."""

    CASH = "cash"
    WALLET = "wallet"
    """Balance payment (seamless, password-free)."""
    SWEEPCODE = "sweepcode"
    """Lot scans the driver's payment code with a scanner."""
    ESCAPE = "escape"
    """Left without paying."""


class Prepaid(enum.StrEnum):
    """The reverse of what its field's name, is_prepay, suggests (3.2)."""

    PREPAID = "0"
    DIRECT = "1"
    """Paid directly."""


class PayCompany(enum.IntEnum):
    """Who took the money."""

    WECHAT = 0
    ALIPAY = 1


class PaymentState(enum.IntEnum):
    """A result that may follow later by a callback."""

    FAILED = 0
    """Payment failed, the lot must start an exit payment for the order again."""
    SUCCEEDED = 1
    """Success, no need to wait for the asynchronous result."""
    PENDING = 2
    """No clear result yet, wait for the asynchronous result."""


class RenewalChannel(enum.StrEnum):
    """How a pass is paid for (3.3); Alipay has another name here than in 3.4."""

    WECHAT = "weixin"
    ALIPAY = "ali"


class PayChannelName(enum.StrEnum):
    """How a driver pays (3.4, 3.9)."""

    WECHAT = "weixin"
    ALIPAY = "alipay"


class PayWay(enum.IntEnum):
    """Who scans whose code (3.4, 3.9)."""

    DRIVER_SCANS = 0
    """Driver scans a code."""
    LOT_SCANS = 2
    """Lot scans the driver's payment code."""


class EtcKind(enum.StrEnum):
    """Who runs the ETC (3.7)."""

    ANT = "my"
    """蚂蚁智行."""
    CHANGJIE = "cj"
    """畅捷 etc."""
    JINYI_CLOUD_BOX = "jyyh"
    """金溢云盒."""
    UNIVIEW = "ystx"
    """宇视."""


class AntPlateColour(enum.IntEnum):
    """The colour of a plate when pay_type is my (3.7)."""

    BLUE = 0
    YELLOW = 1
    WHITE = 2
    BLACK = 3
    NEW_ENERGY = 4
    YELLOW_GREEN = 5
    """Yellow-green."""


class ChangjiePlateColour(enum.IntEnum):
    """The colour of a plate when pay_type is cj (3.7)."""

    BLUE = 0
    YELLOW = 1
    BLACK = 2
    WHITE = 3
    GRADIENT_GREEN = 4
    YELLOW_GREEN = 5
    """Yellow-green two-tone."""
    BLUE_WHITE = 6
    """Blue-white gradient."""
    UNDETERMINED = 9
    GREEN = 11
    RED = 13


class ReducingPlatform(enum.IntEnum):
    """A charging platform as 3.11 numbers it; 5.14 numbers them otherwise."""

    TELD = 1
    """特来电."""
    AUTEL_ATC = 2
    """奥特迅."""


class ReductionMethod(enum.IntEnum):
    """How a fee is reduced (3.11)."""

    BY_TIME = 1
    BY_AMOUNT = 2
    LOT_DECIDES = 3
    """The lot decides."""


class PaymentQuery(enum.IntEnum):
    """Which payments are asked for (4.3)."""

    RENEWAL = 1
    """Monthly-card renewal."""
    PARKING = 2
    """Temporary-parking payment."""


class PayType(enum.StrEnum):
    """How an order was paid (4.3)."""

    SWEEPCODE = "sweepcode"
    """Driver's code is scanned."""
    WALLET = "wallet"
    """Balance or no-sense payment."""
    SCANCODE = "scancode"
    """Driver scans."""


class PaymentPlace(enum.StrEnum):
    """Where an order was paid (4.3)."""

    PREPAY = "prepay"
    """Prepayment."""
    EXIT = "outpay"
    """Direct payment at the exit."""


class PayChannel(enum.IntEnum):
    """The way the money went."""

    WECHAT = 0
    ALIPAY = 1
    BALANCE = 2
    UNIONPAY = 3


class WithdrawalKind(enum.IntEnum):
    """What started a withdrawal (4.4)."""

    MANUAL = 0
    AUTOMATIC = 1


class WithdrawalState(enum.IntEnum):
    """Where a withdrawal stands (4.4)."""

    NOT_STARTED = 0
    """Not started yet."""
    SUCCEEDED = 1
    FAILED = 2
    APPLIED = 3
    """Applied for."""


class PaymentProvider(enum.IntEnum):
    """The payment company of a withdrawal (4.4)."""

    YINSHENG = 0
    """银盛 (Yinsheng)."""
    HUIFU = 1
    """汇付 (Huifu)."""
    FUIOU = 2
    """富友 (Fuiou)."""
    LESHUA = 4
    """乐刷 (Leshua)."""


class IssuerKind(enum.IntEnum):
    """Who issues an invoice (6.2, 6.3, 6.5)."""

    VENDOR = 2
    SERVICE_PROVIDER = 3
    LOT = 4


class IssuerCode(enum.IntEnum):
    """The marker of 6.2."""

    SUCCEEDED = 200
    FAILED = 500


class IssuerState(enum.IntEnum):
    """Whether an issuer can invoice (6.2)."""

    NOT_REGISTERED = 0
    UNDER_REVIEW = 1
    OPENED = 2


class InvoiceFor(enum.IntEnum):
    """What is invoiced (6.3)."""

    PARKING = 0
    """Parking fee."""
    CHARGING = 1


class InvoiceStatus(enum.StrEnum):
    """Where an invoice stands (6.4, 6.5)."""

    INVALID = "0"
    """Invalid state."""
    ISSUING = "1"
    """Being issued."""
    ISSUE_FAILED = "2"
    AWAITING_STAMP = "3"
    """Issued, waiting for the stamp."""
    STAMPING_FAILED = "4"
    ISSUED = "5"
    """Issued successfully."""
    AWAITING_VOID = "6"
    """Waiting to be voided."""
    VOIDING_FAILED = "7"
    VOIDED = "8"


class InvoiceCode(enum.IntEnum):
    """The marker of 6.5."""

    SUCCEEDED = 0


class PayScene(enum.IntEnum):
    """Where a price is asked for (5.1)."""

    INSIDE = 0
    """Prepay inside the lot."""
    AT_EXIT = 1
    """Waiting for settlement (at the exit)."""
    NO_PLATE = 2
    """No-plate car asks to settle."""


class PrepaymentKind(enum.IntEnum):
    """How was prepaid (5.3)."""

    ELECTRONIC = 1
    CASH_AT_MACHINE = 2
    """Cash at a central pay machine."""


class Posting(enum.IntEnum):
    """The direction of a posting."""

    EXPENDITURE = 0
    INCOME = 1


class PictureKind(enum.StrEnum):
    """Which picture (5.4)."""

    ENTRY = "in"
    EXIT = "out"


class ChargeKind(enum.StrEnum):
    """How was charged (5.5)."""

    WALLET = "wallet"
    """Balance."""
    SWEEPCODE = "sweepcode"
    """Scan gun."""
    SCANCODE = "scancode"
    """Exit code scanned by the driver."""
    ETC = "etc"
    """ETC by the Jinyi (金溢) cloud box."""


class RefundChannel(enum.IntEnum):
    """The way a refund went (5.6)."""

    WECHAT = 0
    ALIPAY = 1
    UNIONPAY = 3
    CCB = 4


class NoPlateState(enum.IntEnum):
    """What became of a no-plate entry (5.7)."""

    FAILED = 0
    SUCCEEDED = 1
    WAITING = 2
    """Waiting, being processed."""


class RenewalParty(enum.IntEnum):
    """Who took the payment for a pass (5.8)."""

    THIRD_PARTY = 1


class RecoveryKind(enum.StrEnum):
    """The one pay_type of 5.9."""

    REPAIR = "repair"
    """Back-payment."""


class RecoveryChannel(enum.IntEnum):
    """The way a back-payment went (5.9)."""

    ALIPAY = 1


class ChangeState(enum.IntEnum):
    """What became of a red packet (5.12)."""

    FAILED = 0
    """Issuing failed."""
    ISSUED = 1
    RECEIVED = 2
    RETURNED = 3
    """Not received, returned."""


class ChangeChannel(enum.IntEnum):
    """The way change is paid out (5.12)."""

    WECHAT = 0


class ReductionKind(enum.IntEnum):
    """What a fee is reduced for (5.14)."""

    POINTS = 1
    """Points deducted from an order."""
    HOTEL = 2
    """Hotel order."""
    CHARGING = 3
    """Charging order."""


class NoticePayType(enum.IntEnum):
    """How was paid, as 5.14 numbers it."""

    WECHAT = 1
    ALIPAY = 2
    UNIONPAY = 3


class HotelPlate(enum.StrEnum):
    """On which list a hotel's plate is (5.14)."""

    BLACKLIST = "0"
    """Black list."""
    WHITELIST = "1"
    """White list."""


class ChargingPlatform(enum.IntEnum):
    """A charging platform as 5.14 numbers it."""

    XIAOJU = 1
    """小桔."""
    XINGXING = 2
    """星星."""
    XIAOWEI = 3
    """小伟."""
    TELD = 4
    """特来电."""
    WANCHONG = 5
    """万充."""
    YICHONGDIAN = 6
    """驿充电."""
    CEC = 8
    """中电联."""
    YUNKUAICHONG = 9
    """云快充."""
    ZHICHONG = 10
    """智充."""
    YONGLIAN = 11
    """永联."""
    AUTEL_ATC = 12
    """奥特迅."""
    DAKEYUN = 13
    """达克云."""
    OTHER = 14
    """其他."""
    JINAN_STATE_GRID = 16
    """济南国家电网."""
    TESLA = 20
    """特斯拉."""


class FeeReduction(enum.IntEnum):
    """How a fee is reduced (5.14)."""

    FREE = 0
    """Fully free."""
    BY_DURATION = 1
    BY_AMOUNT = 2
    LOT_DECIDES = 3
    """Decided by the lot."""
    DISCOUNT = 4


class PassDirection(enum.StrEnum):
    """Which way a person went (8.7)."""

    IN = "in"
    """Through the gate inwards."""
    OUT = "out"
    """Through the gate outwards."""


class PersonKind(enum.StrEnum):
    """The kind of person (8.7)."""

    RESIDENT = "1"
    """Permanent user."""
    VISITOR = "2"
    PROPERTY_STAFF = "3"
    """Property-management staff."""
    SERVICE_STAFF = "4"
    TENANT = "5"


class HealthCode(enum.StrEnum):
    """The colour of a health code (8.7)."""

    GREEN = "0"
    YELLOW = "1"
    RED = "2"


class PassWay(enum.StrEnum):
    """How a person passed (8.7)."""

    FACE = "1"
    """Face recognition."""
    CARD = "2"
    """Access card."""


class Sex(enum.StrEnum):
    """The document's unusual order (8.7)."""

    UNKNOWN = "0"
    FEMALE = "1"
    MALE = "2"


class ResidentKind(enum.StrEnum):
    """The kind of resident, a Chinese word on the wire (9.1)."""

    HOUSEHOLDER = "户主"
    """Head of household."""
    FAMILY = "家人"
    """Family member."""
    TENANT = "租户"
    TENANTS_FAMILY = "租户家属"
    """Tenant's family member."""


class Correction(enum.StrEnum):
    """What is corrected (10.1)."""

    PLATE = "1"
    TIME_AND_FEE = "2"
    """Parking time and fee."""
    BOTH = "3"
    """Plate, parking time and fee."""


class Arrival(enum.StrEnum):
    """The kind of arrival (10.1)."""

    ORDINARY = "11"
    """Ordinary arrival."""
    PASS = "12"
    """Vehicle monthly-pass arrival."""
    ENTERPRISE_PASS = "13"
    """Enterprise monthly-pass arrival."""
    OWNED_SPACE = "14"
    """Owned-space vehicle arrival."""


class Departure(enum.StrEnum):
    """The kind of departure (10.1)."""

    FREE = "21"
    """Free departure."""
    PASS = "22"
    """Monthly-pass departure."""
    DEVICE_FAULT = "23"
    """Free because of device fault."""
    PAID = "24"
    """Paid departure."""
    ARREARS = "25"
    """Departure with arrears."""


class ListDetail(enum.StrEnum):
    """How much of a list is wanted (10.3)."""

    NUMBERS = "1"
    """Only the lot's own order numbers (called extBusinessId there)."""
    DETAILS = "2"
    """Details of each stay."""


class StayKind(enum.StrEnum):
    """The kind of arrival, two more than in 10.1 (10.3)."""

    ORDINARY = "11"
    """Ordinary arrival."""
    PASS = "12"
    """Monthly-pass arrival."""
    ENTERPRISE_PASS = "13"
    """Enterprise monthly-pass arrival."""
    OWNED_SPACE = "14"
    """Owned-space vehicle arrival."""
    SPECIAL = "15"
    """Special vehicle arrival."""
    SUSPENDED_ORDER = "16"
    """Arrival of a 挂单车 (vehicle with a suspended order)."""


class CheckStatus(enum.StrEnum):
    """The outcome of the city's check (10.4)."""

    NOT_PASSED = "0"
    """Check not passed."""
    PASSED = "1"
    """Check passed."""


class CheckReason(enum.StrEnum):
    """Why the city's check was not passed (10.4)."""

    NONE = "0"
    NOT_A_MEMBER = "1"
    """Non-members not admitted."""
    BLACKLISTED = "2"
    """Vehicle on the city blacklist not admitted."""
    OTHER = "99"
    """Other reason."""


class SharedParking(enum.StrEnum):
    """Whether a shared space is reserved (10.4)."""

    NONE = "0"
    """No reservation."""
    RESERVED = "1"
    """Shared parking reserved."""


class ScreenMoment(enum.StrEnum):
    """When a screen's text is shown (10.5)."""

    ENTRY = "1"
    BEFORE_LEAVING = "2"
    EXIT = "3"


class PassKind(enum.StrEnum):
    """The kind of pass that is listed (10.6)."""

    ORDINARY = "1"
    """Ordinary monthly pass."""
    ENTERPRISE = "2"
    """Enterprise monthly pass."""
    OWNED_SPACE = "3"
    """Owned-space vehicle."""
    SEVERAL_LOTS = "4"
    """One card for several lots."""


class Zoned(enum.StrEnum):
    """Whether a pass is limited to a zone (10.6, 11.5)."""

    NO = "0"
    """No zones."""
    YES = "1"
    """By zone."""


class DayParking(enum.StrEnum):
    """Whether a pass is limited to times of day (10.6, 11.5)."""

    NO = "0"
    """Not limited to times of day."""
    YES = "1"
    """Limited to times of day."""


class BarrierOperation(enum.IntEnum):
    """What a barrier is told to do (11.1)."""

    RAISE = 0
    LOWER = 1


class RaisedFor(enum.StrEnum):
    """How long a barrier stays raised (11.1)."""

    TEMPORARY = "temporary"
    """For this once."""
    PERPETUAL = "perpetual"
    """Lasting."""


class ListChange(enum.StrEnum):
    """What is done to a list (11.4)."""

    ADD = "add"
    DELETE = "delete"


class SpecialVehicle(enum.StrEnum):
    """The kind of special vehicle (11.4, 11.6)."""

    WHITE = "white"
    """Whitelist."""
    BLACK = "black"
    """Blacklist."""


class PassChange(enum.StrEnum):
    """What is done to a pass (11.5)."""

    ADD = "add"
    DELETE = "delete"
    MODIFY_INFO = "modify_info"
    """Change the pass data."""
    MODIFY_DATE = "modify_date"
    """Change the validity of the pass."""


class PassVehicleKind(enum.StrEnum):
    """The kind of pass (11.5)."""

    INTERNAL = "0"
    """Internal vehicle."""
    MONTHLY = "1"
    """Monthly-rent vehicle."""
    HOURLY = "2"
    """Hourly-rent vehicle."""
    ORDINARY_PASS = "3"
    """Ordinary monthly-pass vehicle."""
    ENTERPRISE_PASS = "4"
    """Enterprise monthly-pass vehicle."""
    OWNED_SPACE = "5"
    """Owned-space vehicle."""


class FoundPassKind(enum.StrEnum):
    """The kind of pass, without those added to 11.5 later (11.6)."""

    INTERNAL = "0"
    """Internal vehicle."""
    MONTHLY = "1"
    """Monthly-rent vehicle."""
    HOURLY = "2"
    """Hourly-rent vehicle."""


class VehicleQuery(enum.StrEnum):
    """What is asked for (11.6)."""

    PASS = "0"
    """Monthly-pass vehicle."""
    SPECIAL = "1"
    """Special vehicle."""


class InvoiceKind(enum.StrEnum):
    """The kind of invoice (11.7)."""

    ELECTRONIC = "1"
    PAPER = "2"
