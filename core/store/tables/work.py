"""What is worked, decided and done, and what was said."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Identity, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from core.store.tables.base import metadata, moment

case = Table(
    "case_",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),  # stop, order, or depot:ID the exception is about
    Column("depot_id", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("status", Text, nullable=False),  # core.cases.STATUSES
    Column("version", Integer, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("options", JSONB, nullable=False),
    Column("inputs", JSONB, nullable=False),  # hashes of what the options were computed from
    Column("rounds", Integer, nullable=False, server_default="0"),
    Column("reason_code", Text),
    Column("owner", Text),
    moment("due_by"),
    moment("opened_at", nullable=False),
    moment("closed_at"),
)
Index("uq_case_open", case.c.kind, case.c.subject, unique=True, postgresql_where=case.c.closed_at.is_(None))
Index("ix_case_status", case.c.status)

proposal = Table(
    "proposal",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("case_id", ForeignKey("case_.id"), nullable=False),
    Column("option_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("args", JSONB, nullable=False),
    Column("binds", JSONB, nullable=False),  # digests of the routes and promises it rests on
    Column("cost_lo", Integer, nullable=False),
    Column("cost_hi", Integer, nullable=False),
    Column("status", Text, nullable=False),  # open | approved | rejected | stale | replaced
    moment("at", nullable=False),
    Column("decided_by", Text),
)
Index("ix_proposal_case", proposal.c.case_id)

decision = Table(  # index over the log: the entry is the truth
    "decision",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("seq", BigInteger, nullable=False, unique=True),
    Column("verdict", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("approver", Text),
    Column("cost", Integer, nullable=False),  # cents that it is expected to cost more than doing nothing
    Column("undone_by", Text),
    moment("at", nullable=False),
)
Index("ix_decision_case", decision.c.case_id)

effect = Table(
    "effect",
    metadata,
    Column("key", Text, primary_key=True),  # case:action:target:args_hash
    Column("case_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("status", Text, nullable=False),  # pending | sending | done | failed | unknown
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("provider_ref", Text),
    Column("error", Text),
    Column("via", Text),  # of a message: the provider that was asked last
    Column("rule", Text),  # of a message: the policy rule that let it through or holds it back
    Column("delivery", Text),  # of a message: what the provider last said became of it
    moment("at", nullable=False),
    moment("tried_at"),
    moment("done_at"),
)
Index("ix_effect_status", effect.c.status)

message = Table(
    "message",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", ForeignKey("person.id")),  # None: staff, who chat under their principal
    Column("thread", Text),  # principal of the conversation it belongs to
    Column("order_id", Text),
    Column("case_id", Text),
    Column("direction", Text, nullable=False),  # in | out
    Column("channel", Text, nullable=False),
    Column("template", Text),
    Column("body", Text),
    Column("digest", Text, nullable=False),  # salted
    moment("at", nullable=False),
)
Index("ix_message_person", message.c.person_id, message.c.at)
Index("ix_message_order", message.c.order_id)
Index("ix_message_thread", message.c.thread, message.c.at)

thread = Table(  # a conversation's open question; its lines are messages
    "thread",
    metadata,
    Column("principal_id", ForeignKey("principal.id"), primary_key=True),
    Column("question", Text),
    moment("at", nullable=False),
)

turn = Table(  # a message that carried a key of its sender's: sent again, it gets the reply that it got
    "turn",
    metadata,
    Column("principal_id", ForeignKey("principal.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("message_id", Text, nullable=False),
    Column("reply", JSONB),  # None until it is answered; personal: it goes with the person
)

inbound = Table(  # a text from outside, until it is answered
    "inbound",
    metadata,
    Column("id", Text, primary_key=True),  # the provider's
    Column("seq", BigInteger, Identity(), nullable=False),
    Column("principal_id", ForeignKey("principal.id"), nullable=False),
    Column("channel", Text, nullable=False),
    Column("body", Text),  # None once it is a line of the conversation
    Column("pictures", JSONB, nullable=False),  # their addresses at the provider
    moment("at", nullable=False),
    moment("done_at"),
)
Index("ix_inbound_waiting", inbound.c.principal_id, inbound.c.seq, postgresql_where=inbound.c.done_at.is_(None))

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("effect_key", ForeignKey("effect.key"), nullable=False, unique=True),
    Column("message_id", ForeignKey("message.id"), nullable=False),
    moment("due_at", nullable=False),
    moment("done_at"),
)
Index("ix_outbox_open", outbox.c.due_at, postgresql_where=outbox.c.done_at.is_(None))

template = Table(  # a client's own words for a text that we send unasked; without a row ours are said
    "template",
    metadata,
    Column("client", Text, primary_key=True),
    Column("lang", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("body", Text, nullable=False),
    moment("at", nullable=False),
    Column("by", Text, nullable=False),  # principal
)

timer = Table(
    "timer",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    moment("due_at", nullable=False),
    moment("done_at"),
)
Index("ix_timer_open", timer.c.due_at, postgresql_where=timer.c.done_at.is_(None))
