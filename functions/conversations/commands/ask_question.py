from typing import Annotated

from pydantic import StringConstraints

from functions.billing.public import CreditAccounts, FeatureCode, RatedFeature
from functions.conversations.adapters.bedrock import answer_engine
from functions.conversations.adapters.conversations import Conversations, read_conversation, read_latest
from functions.conversations.adapters.evidence import VideoEvidence
from functions.conversations.domain.answering import AnswerEngine, checked
from functions.conversations.domain.conversation import (
    MAX_QUESTION_LENGTH,
    QUESTION_COST,
    TURNS_REMEMBERED,
    Question,
    QuestionStatus,
    VideosGone,
)
from functions.conversations.domain.question import search_text
from functions.conversations.events import QuestionAnswered
from functions.conversations.queries.get_question import QuestionView
from functions.entry import http_function
from functions.resources import ANSWER_MODEL_INVOKE, RESULTS_READ
from shared.cqrs.messages import Command
from shared.cqrs.policy import Idempotency, Policy, RateLimit
from shared.http.endpoint import command
from shared.kernel.clock import rfc3339
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.principals import Anonymous
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import WriteScope


class AskQuestion(Command[QuestionView]):
    workspace_id: Uuid
    conversation_id: Uuid
    question: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUESTION_LENGTH)]


class AskQuestionHandler:
    def __init__(
        self,
        scope: WriteScope,
        conversations: Conversations,
        accounts: CreditAccounts,
        evidence: VideoEvidence,
        engine: AnswerEngine,
    ) -> None:
        self._scope = scope
        self._conversations = conversations
        self._accounts = accounts
        self._evidence = evidence
        self._engine = engine

    def __call__(self, command: AskQuestion) -> Result[QuestionView]:
        store, workspace_id = self._scope.store, command.workspace_id
        conversation = read_conversation(store, workspace_id, command.conversation_id)
        if conversation is None:
            return Failure(NotFound())
        question_id = self._scope.runtime.ids.new()
        # Before the work, so that who can't pay for it doesn't cause it.
        charged = self._accounts.deduct(
            workspace_id, FeatureCode.CONVERSATION, QUESTION_COST, question_id, reference=f"question:{question_id}"
        )
        if isinstance(charged, Failure):
            return charged
        history = [
            earlier.as_turn()
            for earlier in read_latest(store, workspace_id, command.conversation_id, limit=TURNS_REMEMBERED)
        ]
        sought = search_text(command.question, [turn.question for turn in history])
        moments = self._evidence.about(workspace_id, conversation.video_ids, sought)
        if moments is None:
            return Failure(VideosGone())
        answer = checked(self._engine.answer(command.question, history, moments, conversation.video_ids), moments)
        question = Question(
            question_id=question_id,
            question=command.question,
            status=QuestionStatus.ANSWERED,
            answer=answer,
            asked_at=rfc3339(self._scope.runtime.clock.now()),
        )
        principal = self._scope.context.principal
        assert not isinstance(principal, Anonymous)
        self._conversations.add_question(conversation, question, asked_by=principal.actor)
        self._scope.uow.record(
            QuestionAnswered(
                workspace_id=workspace_id,
                conversation_id=command.conversation_id,
                question_id=question_id,
                grounded=answer.grounded,
                citations=len(answer.citations),
            ),
            question_id,
            version=1,
        )
        return Success(QuestionView.of(question))


def build(scope: WriteScope) -> AskQuestionHandler:
    return AskQuestionHandler(
        scope, Conversations(scope.uow), CreditAccounts(scope), VideoEvidence(scope), answer_engine(scope)
    )


ENDPOINT = command(
    "POST",
    "/v1/workspaces/{workspace_id}/conversations/{conversation_id}/questions",
    AskQuestion,
    build,
    status=201,
    policy=Policy(
        permission="conversations:write",
        rate_limit=RateLimit(feature=RatedFeature.QUESTIONS),
        idempotency=Idempotency.REQUIRED,
        slow_after_ms=5_000,
    ),
    summary="Ask a question about the videos of a conversation",
    # The sentence encoder's model and its runtime take half a gigabyte.
    needs=FunctionNeeds(grants=(RESULTS_READ, ANSWER_MODEL_INVOKE), layers=("embedding",), memory_mb=1536),
    location=lambda path, question: (
        f"/v1/workspaces/{path['workspace_id']}/conversations/{path['conversation_id']}"
        f"/questions/{question.question_id}"
    ),
)
lambda_handler = http_function(ENDPOINT)
