from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from functions.videos.adapters.rows import (
    ANALYSIS,
    DEADLINE_SHARDS,
    LEASE,
    PROGRESS,
    AnalysisRow,
    DeadlineRow,
    LeaseRow,
    ProgressRow,
    deadline_shard,
    deadlines_partition,
    video_partition,
    worker_partition,
)
from functions.videos.domain.analysis import Analysis, AnalysisError, AnalysisStatus, Feature, Mode
from shared.persistence.store import Page, Store
from shared.persistence.unit_of_work import UnitOfWork

WITHDRAWN = "withdrawn"
# Longer than a queue can hold back the submission of a job.
_REMEMBERED_SECONDS = 21 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class AnalysisPage:
    analyses: list[Analysis]
    last_sk: str | None


def read_analysis(store: Store, workspace_id: str, video_id: str, analysis_id: str) -> Analysis | None:
    row = store.get(AnalysisRow, video_partition(workspace_id, video_id), ANALYSIS + analysis_id)
    return _to_analysis(row) if row else None


def read_analyses(store: Store, workspace_id: str, video_id: str, *, after: str | None, limit: int) -> AnalysisPage:
    """A page of a video's analyses, newest first."""
    page: Page[AnalysisRow] = store.page(
        AnalysisRow, video_partition(workspace_id, video_id), ANALYSIS, after=after, limit=limit, newest_first=True
    )
    return AnalysisPage([_to_analysis(row) for row in page.rows], page.last_sk)


def read_progress(store: Store, workspace_id: str, analysis_id: str) -> float | None:
    """The share of the work that the worker has done, `None` before it began."""
    row = store.get(ProgressRow, worker_partition(workspace_id, analysis_id), PROGRESS)
    return float(row.share) if row else None


def read_overdue(store: Store, now: str) -> Iterator[DeadlineRow]:
    """Analyses that haven't ended by their deadline, oldest first within each shard."""
    for shard in range(DEADLINE_SHARDS):
        after: str | None = None
        while True:
            page = store.page(DeadlineRow, deadlines_partition(shard), before=now, after=after)
            yield from page.rows
            if page.last_sk is None:
                break
            after = page.last_sk


class Analyses:
    """Writes analyses, and beside each one that hasn't ended the row that its deadline is found by."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    def add(self, analysis: Analysis) -> None:
        self._uow.insert(_to_row(analysis, version=1))
        self._uow.insert(
            DeadlineRow(
                pk=deadlines_partition(deadline_shard(analysis.analysis_id)),
                sk=_deadline_key(analysis),
                workspace_id=analysis.workspace_id,
                video_id=analysis.video_id,
                analysis_id=analysis.analysis_id,
            )
        )

    def end(self, analysis: Analysis) -> int:
        """Write an analysis that ended; returns its new version."""
        version = analysis.version + 1
        self._uow.put(_to_row(analysis, version), condition=AnalysisRow.version == analysis.version)
        self._uow.delete(
            DeadlineRow, deadlines_partition(deadline_shard(analysis.analysis_id)), _deadline_key(analysis)
        )
        return version

    def remove(self, analysis: Analysis) -> None:
        """Remove an analysis that has ended."""
        self._uow.delete(
            AnalysisRow, video_partition(analysis.workspace_id, analysis.video_id), ANALYSIS + analysis.analysis_id
        )

    def withdraw(self, analysis: Analysis, now: datetime) -> None:
        """Take the lease from whoever works on the analysis, for good: the worker finds out when it renews it."""
        seconds = int(now.timestamp())
        self._uow.put(
            LeaseRow(
                pk=worker_partition(analysis.workspace_id, analysis.analysis_id),
                sk=LEASE,
                token=WITHDRAWN,
                owner=WITHDRAWN,
                attempt=0,
                until=seconds,
                finished=True,
                expires_at=seconds + _REMEMBERED_SECONDS,
            )
        )


def _deadline_key(analysis: Analysis) -> str:
    return f"{analysis.deadline_at}#{analysis.workspace_id}#{analysis.video_id}#{analysis.analysis_id}"


def _to_row(analysis: Analysis, version: int) -> AnalysisRow:
    error = analysis.error
    return AnalysisRow(
        pk=video_partition(analysis.workspace_id, analysis.video_id),
        sk=ANALYSIS + analysis.analysis_id,
        version=version,
        workspace_id=analysis.workspace_id,
        video_id=analysis.video_id,
        analysis_id=analysis.analysis_id,
        features=list(analysis.features),
        mode=analysis.mode,
        held=dict(analysis.held),
        charged=dict(analysis.charged),
        requested_by=analysis.requested_by,
        correlation_id=analysis.correlation_id,
        created_at=analysis.created_at,
        deadline_at=analysis.deadline_at,
        status=analysis.status,
        error_reason=error.reason if error else None,
        error_message=error.message if error else None,
        failed_features={name: [one.reason, one.message] for name, one in analysis.failed_features.items()},
        completed_at=analysis.completed_at,
    )


def _to_analysis(row: AnalysisRow) -> Analysis:
    error = None
    if row.error_reason is not None and row.error_message is not None:
        error = AnalysisError(row.error_reason, row.error_message)
    return Analysis(
        workspace_id=row.workspace_id,
        video_id=row.video_id,
        analysis_id=row.analysis_id,
        features=tuple(Feature(name) for name in row.features),
        mode=Mode(row.mode),
        held=row.held,
        charged=row.charged,
        requested_by=row.requested_by,
        correlation_id=row.correlation_id,
        created_at=row.created_at,
        deadline_at=row.deadline_at,
        status=AnalysisStatus(row.status),
        error=error,
        failed_features={
            Feature(name): AnalysisError(reason, message)
            for name, (reason, message) in (row.failed_features or {}).items()
        },
        completed_at=row.completed_at,
        version=int(row.version),
    )
