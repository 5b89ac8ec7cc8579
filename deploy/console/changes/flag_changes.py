"""Changes of the two flags: the default adapter, and the share of shadow reads."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from deploy.console.changes.change import Fact, OperatorChange, Preview, Report, Slug, Who
from monolith.cutover.scheduling_flag import AdapterName
from monolith.cutover.service import ControlPlane
from monolith.shared.flags.store import SCHEDULING_ADAPTER, SCHEDULING_SHADOW, AuditEntry


class SetDefault(OperatorChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Use another adapter for new businesses. Existing ones stay where they are."""

    kind: ClassVar[str] = "set-default"
    title: ClassVar[str] = "Set the default adapter"
    button: ClassVar[str] = "Set the default"

    adapter: AdapterName

    @property
    def subject(self) -> str:
        return SCHEDULING_ADAPTER

    def preview(self, plane: ControlPlane) -> Preview:
        default = plane.adapter.default()
        same = f"The default is {default} already." if default == self.adapter else None
        return Preview(
            sentence=f"New businesses use {self.adapter} instead of {default}; existing ones stay where they are.",
            command=f"extraction flag set {self.adapter} --reason …",
            expected=f"default {default}",
            facts=(Fact("now", default), Fact("afterwards", self.adapter), Fact("effective", "within a second")),
            refused=same,
        )

    def run(self, plane: ControlPlane, who: Who, report: Report) -> str:
        before = plane.adapter.set_default(self.adapter, actor=who.actor, reason=who.reason)
        return f"{SCHEDULING_ADAPTER}: {before} -> {self.adapter}; new businesses now use {self.adapter}"


class SetShadow(OperatorChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Compare another share of the reads in both databases."""

    kind: ClassVar[str] = "set-shadow"
    title: ClassVar[str] = "Set the share of shadow reads"
    button: ClassVar[str] = "Set the share"
    page: ClassVar[str] = "ops.shadow"

    percent: Annotated[float, Meta(ge=0, le=100)]
    slug: Slug | None = None

    @property
    def subject(self) -> str:
        return SCHEDULING_SHADOW

    def preview(self, plane: ControlPlane) -> Preview:
        share = plane.shadow.read(plane.directory.slugs())
        if self.slug is not None:
            plane.directory.find(self.slug)
        now = share.default if self.slug is None else share.overrides.get(self.slug, share.default)
        scope = "every business without its own share" if self.slug is None else self.slug
        option = "" if self.slug is None else f" --business {self.slug}"
        return Preview(
            sentence=f"{self.percent:g} % of the reads of {scope} also go to the other database, and are compared. "
            "Users never wait for them.",
            command=f"extraction shadow set {self.percent:g}{option} --reason …",
            expected=f"shadow {now}",
            facts=(Fact("now", f"{now} %"), Fact("afterwards", f"{self.percent:g} %")),
        )

    def run(self, plane: ControlPlane, who: Who, report: Report) -> str:
        business_id = None if self.slug is None else plane.directory.find(self.slug).business_id
        before = plane.shadow.set(self.percent, business_id, actor=who.actor, reason=who.reason)
        return f"{SCHEDULING_SHADOW} of {self.slug or 'every business'}: {before or 'unset'} -> {self.percent:g} %"

    def latest_entries(self, plane: ControlPlane) -> Sequence[AuditEntry]:
        return plane.audit.changes(5, key=SCHEDULING_SHADOW)
