"""What everything runs on: the database, the disk, the place of pictures, the clock."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from taigan.clock import Clock
from taigan.doctor.findings import Finding, skipped, well, wrong
from taigan.doctor.installation import Installation
from taigan.pictures.store import Store, StoreFailed
from taigan.running.tasks import within
from taigan.storage.errors import CannotOpen
from taigan.storage.kept.inspection import Inspection, inspect_database
from taigan.storage.migrations import HEAD

ENOUGH_SPACE = 1024**3
"""Bytes that must be free where the data is kept."""
ALLOWED_SKEW = 5.0
"""Seconds that this machine's clock may be off. The header Date knows whole seconds only."""

Ahead = dict[tuple[str, str], float]
"""By how many seconds this machine's clock is ahead of whose."""


def bytes_free(folder: Path) -> int:
    """How much a file in that folder could grow. Raises OSError."""
    return shutil.disk_usage(folder).free


async def database(at: Installation, clock: Clock, ahead: Ahead) -> tuple[Inspection | None, Finding]:
    """What the database is, and what others will want to know of it; notes its clock."""
    try:
        found = await inspect_database(at.database_url)
    except CannotOpen as error:
        return None, wrong(
            "database",
            zh=f"数据库打不开：{error}",
            en=f"the database cannot be opened: {error}",
            do_zh="看数据库在不在运行、database_url 和 data_dir 对不对、当前用户有没有权限",
            do_en="see that it runs, that database_url and data_dir are right, and that this user may read it",
        )
    if found.revision is None:
        return None, wrong(
            "database",
            zh="数据库里还没有表",
            en="the database has no tables yet",
            do_zh="启动一次 taigan lot，它会建好",
            do_en="start taigan lot once: it makes them",
        )
    if found.revision != HEAD:
        return None, wrong(
            "database",
            zh=f"数据库是版本 {found.revision}，本程序是版本 {HEAD}",
            en=f"the database is of revision {found.revision}, this program of {HEAD}",
            do_zh="用同一版本的 taigan：数据库旧就重启 taigan lot，它会升级；数据库新就先升级程序",
            do_en="use one version: restart taigan lot for an older database, upgrade taigan for a newer one",
        )
    if found.read_only:
        return found, wrong(
            "database",
            zh="数据库只能读，不能写：司机都会被告知系统繁忙",
            en="the database can be read only: every driver is told to try later",
            do_zh="PostgreSQL：地址要指向主库，且没有设成只读；SQLite：看文件和目录的权限、磁盘",
            do_en="PostgreSQL: the address must lead to the primary, which must not be set read-only; SQLite: see "
            "the rights of the file and its folder, and the disk",
        )
    if found.clock is not None:
        ahead[("数据库", "the database")] = (clock.now() - found.clock).total_seconds()
    return found, well("database", f"{found.engine}，版本 {HEAD}", f"{found.engine}, revision {HEAD}")


def disk(at: Installation, free_space: Callable[[Path], int]) -> Finding:
    try:
        free = free_space(at.data)
    except OSError as error:
        return wrong(
            "disk",
            str(at.data),
            zh=f"数据目录看不了：{error.strerror}",
            en=f"data_dir cannot be looked at: {error.strerror}",
            do_zh="看 data_dir 写得对不对",
            do_en="see whether data_dir is right",
        )
    size = f"{free / 1024**3:.1f} GiB"
    if free >= ENOUGH_SPACE:
        return well("disk", f"空闲 {size}", f"{size} free", str(at.data))
    return wrong(
        "disk",
        str(at.data),
        zh=f"只剩 {size}",
        en=f"only {size} free",
        do_zh="腾出空间；磁盘满了就不能提交，司机会被告知系统繁忙",
        do_en="make room: on a full disk nothing can be committed and drivers are told to try later",
    )


async def pictures(at: Installation, where: str, store: Store) -> Finding:
    try:
        await within(at.answers_within, store.look())
    except (StoreFailed, TimeoutError) as error:
        why = str(error) or f"{at.answers_within:g} s"
        return wrong(
            "pictures",
            where,
            zh=f"图片存不进去：{why}",
            en=f"no picture can be kept: {why}",
            do_zh="看 pictures_in、s3_… 和文件夹的权限；车照常进出，只是没有图片",
            do_en="see to pictures_in, s3_… and the folder's rights; cars come and go meanwhile",
        )
    return well("pictures", "能存", "can be kept", where)


def its_clock(ahead: Ahead) -> Finding:
    if not ahead:
        return skipped("clock", "没有可比的钟", "no other clock to compare with")
    zh = "，".join(f"与{who}相差 {abs(off):.0f} 秒" for (who, _), off in ahead.items())
    en = ", ".join(f"{abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} {who}" for (_, who), off in ahead.items())
    if all(abs(off) <= ALLOWED_SKEW for off in ahead.values()):
        return well("clock", zh, en)
    return wrong(
        "clock",
        zh=zh,
        en=en,
        do_zh="装好并启动 NTP（timedatectl set-ntp true），每台机器都要",
        do_en="run NTP on every machine (timedatectl set-ntp true)",
    )
