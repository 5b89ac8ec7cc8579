"""Whether a trial kept the promises: a count of arrivals that were not served, never a percentile."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from loadtests.lab.planning.scenario import ScenarioPromises, other_modules_of
from loadtests.lab.results.model import Trial
from loadtests.lab.verdict.thresholds import TrialRules


class TrialJudgement(NamedTuple):
    """`kept` is None when the trial does not count, or has too few arrivals to judge. `reasons` say why not True."""

    kept: bool | None
    reasons: tuple[str, ...] = ()


class _Promise(NamedTuple):
    """`missed` of `came` were not served; the promise allows the share `allowed`."""

    name: str
    came: int
    missed: int
    allowed: float

    @property
    def chance(self) -> float:
        """The probability of so many misses, or more, if the promise held exactly."""
        return binomial_tail(self.missed, self.came, self.allowed)

    def as_text(self) -> str:
        share = self.missed / self.came if self.came else 0.0
        return f"{self.name}: {self.missed} of {self.came} missed ({share:.1%}; {100 * self.allowed:.3g}% allowed)"


def judge_trial(
    trial: Trial, promises: ScenarioPromises, rules: TrialRules, baseline_refused: float | None
) -> TrialJudgement:
    """Judge all promises except isolation and containment.

    `baseline_refused` is M1's share of refused writes, None if not needed.
    """
    if not trial.valid:
        return TrialJudgement(None, trial.problems)
    found = [*_answers(trial, promises, promises.limits_ms), *_freshness(trial, promises)]
    if baseline_refused is not None:
        allowed = min(1.0, baseline_refused + promises.conflict_points / 100)
        found.append(_Promise("listed means bookable", trial.writes, trial.refused, allowed))
    return _judge(trial, found, promises.limits_ms, rules)


def judge_other_modules(trial: Trial, promises: ScenarioPromises, rules: TrialRules) -> TrialJudgement:
    """Judge the modules other than scheduling, in a trial that floods scheduling or lets a fault happen."""
    if not trial.valid:
        return TrialJudgement(None, trial.problems)
    limits = other_modules_of(promises)
    return _judge(trial, list(_answers(trial, promises, limits)), limits, rules)


def refused_share(trials: Sequence[Trial]) -> float | None:
    """Return the share of refused writes over all valid trials; None without writes."""
    writes = sum(trial.writes for trial in trials if trial.valid)
    return sum(trial.refused for trial in trials if trial.valid) / writes if writes else None


def _answers(trial: Trial, promises: ScenarioPromises, limits: Mapping[str, float]) -> Iterator[_Promise]:
    for module in limits:
        result = trial.modules.get(module)
        if result is not None:
            yield _Promise(module, result.arrivals, result.missed, 1 - promises.answered)


def _freshness(trial: Trial, promises: ScenarioPromises) -> Iterator[_Promise]:
    for kind, reading in trial.freshness.items():
        late = reading.expected - reading.in_time
        yield _Promise(f"{kind} within {promises.fresh_seconds:g} s", reading.expected, late, 1 - promises.fresh)


def _judge(trial: Trial, found: Sequence[_Promise], limits: Mapping[str, float], rules: TrialRules) -> TrialJudgement:
    broken = [promise.as_text() for promise in _broken(found, rules.error)]
    if broken or trial.ended_early:
        return TrialJudgement(False, tuple(broken) or ("the load ended early: too many had not been served",))
    unknown = [
        f"{module}: {came} arrivals, {rules.fewest_arrivals} are required to judge it"
        for module in limits
        if (came := trial.modules[module].arrivals if module in trial.modules else 0) < rules.fewest_arrivals
    ]
    return TrialJudgement(None, tuple(unknown)) if unknown else TrialJudgement(True)


def _broken(found: Sequence[_Promise], error: float) -> list[_Promise]:
    """Return the promises that are broken, by Holm's procedure: any of them suffices, so their number counts."""
    broken: list[_Promise] = []
    for place, promise in enumerate(sorted(found, key=lambda each: each.chance)):
        if promise.chance >= error / (len(found) - place):
            break
        broken.append(promise)
    return broken


def binomial_tail(count: int, n: int, share: float) -> float:
    """Return the probability of `count` or more successes in `n` attempts with this probability of each."""
    if count <= 0 or share >= 1:
        return 1.0
    if share <= 0:
        return 0.0
    if count <= n * share:
        return 1 - binomial_tail(n - count + 1, n, 1 - share)
    log_choose = math.lgamma(n + 1) - math.lgamma(count + 1) - math.lgamma(n - count + 1)
    term = math.exp(log_choose + count * math.log(share) + (n - count) * math.log1p(-share))
    total = 0.0
    for successes in range(count, n + 1):
        total += term
        if term < total * 1e-12:
            break
        term *= (n - successes) / (successes + 1) * share / (1 - share)
    return min(1.0, total)
