-- Version 7: views for reports, and what every table and column means, as database tools show it.
--
-- migration: additive

CREATE OR REPLACE VIEW callbackq_v_due AS
SELECT tenant_id, due_at, due_reason, 'callback' AS entity, callback_id AS id, state
  FROM callbackq_callbacks WHERE due_at IS NOT NULL
UNION ALL
SELECT tenant_id, due_at, due_reason, 'call', call_id, state FROM callbackq_calls WHERE due_at IS NOT NULL
UNION ALL
SELECT tenant_id, due_at, due_reason, 'agent', agent_id, state FROM callbackq_agents WHERE due_at IS NOT NULL
UNION ALL
SELECT tenant_id, due_at, due_reason, 'attempt', attempt_id, state FROM callbackq_attempts WHERE due_at IS NOT NULL
UNION ALL
SELECT tenant_id, due_at, due_reason, 'booking', booking_id, state FROM callbackq_bookings WHERE due_at IS NOT NULL
UNION ALL
SELECT tenant_id, due_at, due_reason, 'message', message_id, state FROM callbackq_messages WHERE due_at IS NOT NULL
UNION ALL
SELECT tenant_id, due_at, due_reason, 'node', node_id, state FROM callbackq_nodes WHERE due_at IS NOT NULL
ORDER BY 1, 2;

CREATE VIEW callbackq_v_ended AS
SELECT
    tenant_id,
    queue,
    callback_id,
    channel,
    purpose,
    priority,
    outcome,
    last_disposition,
    attempts_count,
    requested_at,
    turn_at,
    ended_at,
    extract(epoch FROM turn_at - requested_at)::double precision  AS turn_after_s,
    extract(epoch FROM ended_at - requested_at)::double precision AS ended_after_s,
    quoted_wait_s,
    extract(epoch FROM turn_at - requested_at)::double precision - quoted_wait_s AS quote_error_s
FROM callbackq_callbacks
WHERE ended_at IS NOT NULL;
COMMENT ON VIEW callbackq_v_ended IS
    'How callbacks ended, and after how long; and how far the quote was off.';

CREATE VIEW callbackq_v_nodes AS
SELECT
    tenant_id,
    node_id,
    state,
    started_at,
    seen_at,
    lease_until_at,
    release,
    schema_version,
    (SELECT count(*) FROM callbackq_attempts AS attempt
      WHERE attempt.tenant_id = node.tenant_id AND attempt.node_id = node.node_id
        AND attempt.state <> 'ended') AS attempts_open
FROM callbackq_nodes AS node
ORDER BY tenant_id, node_id;
COMMENT ON VIEW callbackq_v_nodes IS
    'Which processes serve the line, when each was last heard of, and what it has under way.';

-- ------------------------------------------------------------------------------------------------ columns

COMMENT ON COLUMN callbackq_meta.name IS
    'schema_version, compatible_from (the lowest version whose releases may use the tables), and pepper, or '
    'pepper_fingerprint where the host keeps the pepper elsewhere';
COMMENT ON COLUMN callbackq_meta.value IS 'its value';

COMMENT ON COLUMN callbackq_callbacks.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_callbacks.callback_id IS 'cb_…';
COMMENT ON COLUMN callbackq_callbacks.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_callbacks.state IS 'where it stands';
COMMENT ON COLUMN callbackq_callbacks.queue IS 'the queue';
COMMENT ON COLUMN callbackq_callbacks.subject_id IS 'the person';
COMMENT ON COLUMN callbackq_callbacks.call_id IS 'the live call that it was made from';
COMMENT ON COLUMN callbackq_callbacks.channel IS 'how it was asked for';
COMMENT ON COLUMN callbackq_callbacks.mode IS 'which leg starts when';
COMMENT ON COLUMN callbackq_callbacks.priority IS '0 to 255, lower first';
COMMENT ON COLUMN callbackq_callbacks.lane IS 'the set of skills that it needs; 0 needs none';
COMMENT ON COLUMN callbackq_callbacks.place_id IS 'under which id the place was first taken; breaks ties';
COMMENT ON COLUMN callbackq_callbacks.entered_at IS 'when the caller first entered the queue; never rewritten';
COMMENT ON COLUMN callbackq_callbacks.requested_at IS 'when the promise was made';
COMMENT ON COLUMN callbackq_callbacks.ranked_at IS 'the time that the order goes by';
COMMENT ON COLUMN callbackq_callbacks.rank IS 'the order of the line: lower first, then by place_id';
COMMENT ON COLUMN callbackq_callbacks.scheduled_at IS 'the time that was chosen, if one was';
COMMENT ON COLUMN callbackq_callbacks.booking_id IS 'its seat in a slot, where the queue has slots';
COMMENT ON COLUMN callbackq_callbacks.expires_at IS 'when it expires if it is not done';
COMMENT ON COLUMN callbackq_callbacks.preferred_agent_id IS 'the agent who shall call back, if one was asked for';
COMMENT ON COLUMN callbackq_callbacks.preferred_until_at IS 'until then it waits for that agent alone';
COMMENT ON COLUMN callbackq_callbacks.owner_id IS 'the agent who asked for it';
COMMENT ON COLUMN callbackq_callbacks.ticket_id IS 'the ticket in the host''s help desk';
COMMENT ON COLUMN callbackq_callbacks.caller_id IS
    'the number of the company that the customer is shown, if one was given';
COMMENT ON COLUMN callbackq_callbacks.media IS 'handed to the telephony as the host gave it';
COMMENT ON COLUMN callbackq_callbacks.called_in_id IS 'the live call with which the customer came back while waiting';
COMMENT ON COLUMN callbackq_callbacks.purpose IS 'why the customer is called: requested, service, sales';
COMMENT ON COLUMN callbackq_callbacks.consent_at IS 'when the customer agreed to be called';
COMMENT ON COLUMN callbackq_callbacks.consent_ref IS 'the host''s own reference to how';
COMMENT ON COLUMN callbackq_callbacks.verification_id IS 'the one-time code that proved the number';
COMMENT ON COLUMN callbackq_callbacks.follows_id IS 'an earlier callback of the person that had just ended';
COMMENT ON COLUMN callbackq_callbacks.number_index IS
    'which number of the person is dialed next: 0 the main one, n the n-th alternative';
COMMENT ON COLUMN callbackq_callbacks.turn_at IS 'when its turn first came';
COMMENT ON COLUMN callbackq_callbacks.waited_long_at IS 'when it was said to have waited too long';
COMMENT ON COLUMN callbackq_callbacks.dedup_key IS 'no two that have not ended hold the same one';
COMMENT ON COLUMN callbackq_callbacks.request_key IS 'no two were ever made under the same one';
COMMENT ON COLUMN callbackq_callbacks.attempt_id IS 'the attempt under way, or the one during which it ended';
COMMENT ON COLUMN callbackq_callbacks.attempts_count IS 'attempts that count, so far';
COMMENT ON COLUMN callbackq_callbacks.last_disposition IS 'how the last attempt ended';
COMMENT ON COLUMN callbackq_callbacks.hold_reason IS 'which rule forbids dialing while it is held';
COMMENT ON COLUMN callbackq_callbacks.offer_id IS 'the offer that was accepted';
COMMENT ON COLUMN callbackq_callbacks.quoted_position IS 'the position that the customer was told';
COMMENT ON COLUMN callbackq_callbacks.quoted_position_exact IS 'false if that was an estimate';
COMMENT ON COLUMN callbackq_callbacks.quoted_wait_s IS 'the estimated wait that the customer was told, in seconds';
COMMENT ON COLUMN callbackq_callbacks.quoted_wait_low_s IS 'its lower end';
COMMENT ON COLUMN callbackq_callbacks.quoted_wait_high_s IS 'its upper end';
COMMENT ON COLUMN callbackq_callbacks.quoted_by IS 'the estimator that found it';
COMMENT ON COLUMN callbackq_callbacks.overtook_calls_count IS
    'live calls of its queue, priority and lane that stood before it when it was started';
COMMENT ON COLUMN callbackq_callbacks.overtook_callbacks_count IS 'callbacks that did';
COMMENT ON COLUMN callbackq_callbacks.merged_into_id IS 'the callback that it was merged into';
COMMENT ON COLUMN callbackq_callbacks.score IS 'how it went, as the host reported afterwards';
COMMENT ON COLUMN callbackq_callbacks.resolved IS 'whether the matter is settled, as the host reported';
COMMENT ON COLUMN callbackq_callbacks.outcome IS 'how it ended';
COMMENT ON COLUMN callbackq_callbacks.ended_at IS 'when it ended';
COMMENT ON COLUMN callbackq_callbacks.due_at IS 'the next moment at which time alone changes it; none once it is over';
COMMENT ON COLUMN callbackq_callbacks.due_reason IS 'why it is looked at then';

COMMENT ON COLUMN callbackq_calls.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_calls.call_id IS 'the host''s own id of it';
COMMENT ON COLUMN callbackq_calls.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_calls.state IS 'waiting, taken, ended';
COMMENT ON COLUMN callbackq_calls.queue IS 'the queue';
COMMENT ON COLUMN callbackq_calls.subject_id IS 'the person, if the caller id was known';
COMMENT ON COLUMN callbackq_calls.priority IS '0 to 255, lower first';
COMMENT ON COLUMN callbackq_calls.lane IS 'the set of skills that it needs; 0 needs none';
COMMENT ON COLUMN callbackq_calls.place_id IS 'under which id the place was first taken; breaks ties';
COMMENT ON COLUMN callbackq_calls.entered_at IS 'when the caller entered the queue; never rewritten';
COMMENT ON COLUMN callbackq_calls.ranked_at IS 'the time that the order goes by';
COMMENT ON COLUMN callbackq_calls.rank IS 'the order of the line: lower first, then by place_id';
COMMENT ON COLUMN callbackq_calls.preferred_agent_id IS 'the agent who shall take it, if one was asked for';
COMMENT ON COLUMN callbackq_calls.preferred_until_at IS 'until then it waits for that agent alone';
COMMENT ON COLUMN callbackq_calls.offers_count IS 'how often a callback was offered';
COMMENT ON COLUMN callbackq_calls.declines_count IS 'how often a callback was declined';
COMMENT ON COLUMN callbackq_calls.declined_at IS 'when a callback was last declined';
COMMENT ON COLUMN callbackq_calls.quoted_at IS
    'when a callback was last offered; the rest of quoted_… is what was said then';
COMMENT ON COLUMN callbackq_calls.quoted_position IS 'the position';
COMMENT ON COLUMN callbackq_calls.quoted_wait_s IS 'the estimated wait, in seconds';
COMMENT ON COLUMN callbackq_calls.quoted_wait_low_s IS 'its lower end';
COMMENT ON COLUMN callbackq_calls.quoted_wait_high_s IS 'its upper end';
COMMENT ON COLUMN callbackq_calls.quoted_by IS 'the estimator that found it';
COMMENT ON COLUMN callbackq_calls.offer_id IS 'the offer that stands';
COMMENT ON COLUMN callbackq_calls.offer_until_at IS 'until when it does';
COMMENT ON COLUMN callbackq_calls.overtook_calls_count IS
    'live calls of its queue, priority and lane that stood before it when it was taken';
COMMENT ON COLUMN callbackq_calls.overtook_callbacks_count IS 'callbacks that did';
COMMENT ON COLUMN callbackq_calls.agent_id IS 'the agent who took it';
COMMENT ON COLUMN callbackq_calls.taken_at IS 'when an agent took it';
COMMENT ON COLUMN callbackq_calls.callback_id IS 'the callback that it was turned into';
COMMENT ON COLUMN callbackq_calls.returns_for_id IS
    'the callback that its caller was waiting for, or had missed, when calling in';
COMMENT ON COLUMN callbackq_calls.outcome IS 'how it ended';
COMMENT ON COLUMN callbackq_calls.ended_at IS 'when it ended';
COMMENT ON COLUMN callbackq_calls.due_at IS 'the next moment at which time alone changes it; none once it is over';
COMMENT ON COLUMN callbackq_calls.due_reason IS 'why it is looked at then';

COMMENT ON COLUMN callbackq_agents.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_agents.agent_id IS 'the host''s own id of the agent';
COMMENT ON COLUMN callbackq_agents.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_agents.state IS 'what the agent does';
COMMENT ON COLUMN callbackq_agents.queues IS 'list of the queues that are served';
COMMENT ON COLUMN callbackq_agents.skills IS 'list of skills';
COMMENT ON COLUMN callbackq_agents.since_at IS 'when the present state began';
COMMENT ON COLUMN callbackq_agents.attempt_id IS 'the attempt that the agent is held for';
COMMENT ON COLUMN callbackq_agents.call_id IS 'the live call that the agent talks to';
COMMENT ON COLUMN callbackq_agents.leaving IS 'whether the agent is signed out when the present work is over';
COMMENT ON COLUMN callbackq_agents.due_at IS 'the next moment at which time alone changes it; none once it is over';
COMMENT ON COLUMN callbackq_agents.due_reason IS 'why it is looked at then';

COMMENT ON COLUMN callbackq_agent_queues.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_agent_queues.queue IS 'a queue that the agent serves';
COMMENT ON COLUMN callbackq_agent_queues.agent_id IS 'an agent who is not signed out';

COMMENT ON COLUMN callbackq_attempts.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_attempts.attempt_id IS 'at_…';
COMMENT ON COLUMN callbackq_attempts.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_attempts.state IS 'where it stands';
COMMENT ON COLUMN callbackq_attempts.callback_id IS 'the callback that it tries to connect';
COMMENT ON COLUMN callbackq_attempts.queue IS 'the queue';
COMMENT ON COLUMN callbackq_attempts.subject_id IS 'the person';
COMMENT ON COLUMN callbackq_attempts.number_key IS 'keyed digest of the number';
COMMENT ON COLUMN callbackq_attempts.mode IS 'which leg starts when';
COMMENT ON COLUMN callbackq_attempts.announces IS 'what the customer is to be told, where no agent takes part';
COMMENT ON COLUMN callbackq_attempts.agent_id IS 'the agent who is reserved; none while one is looked for';
COMMENT ON COLUMN callbackq_attempts.node_id IS 'the process that started it';
COMMENT ON COLUMN callbackq_attempts.agent_leg_id IS
    'the id of the first agent''s leg; the n-th agent who is rung has the same with .n behind it';
COMMENT ON COLUMN callbackq_attempts.agent_leg IS 'how far the leg of the latest agent has come';
COMMENT ON COLUMN callbackq_attempts.agents_rung_count IS 'how many agents were rung so far';
COMMENT ON COLUMN callbackq_attempts.agent_until_at IS 'by when the agent''s leg must have gone on';
COMMENT ON COLUMN callbackq_attempts.customer_leg_id IS 'the id of the customer''s leg; dialed at most once';
COMMENT ON COLUMN callbackq_attempts.customer_leg IS 'how far the customer''s leg has come';
COMMENT ON COLUMN callbackq_attempts.customer_until_at IS 'by when the customer''s leg must have gone on';
COMMENT ON COLUMN callbackq_attempts.customer_rang IS 'whether the customer''s phone rang';
COMMENT ON COLUMN callbackq_attempts.customer_answered_at IS 'when the customer''s phone was answered';
COMMENT ON COLUMN callbackq_attempts.number_index IS
    'which number of the person it dials: 0 the main one, n the n-th alternative';
COMMENT ON COLUMN callbackq_attempts.answered_by IS 'who or what answered the customer''s phone';
COMMENT ON COLUMN callbackq_attempts.confirmation IS 'what the customer said to "press 1 to connect"';
COMMENT ON COLUMN callbackq_attempts.recording_id IS 'the telephony''s own name for a recording';
COMMENT ON COLUMN callbackq_attempts.disposition IS 'how it ended';
COMMENT ON COLUMN callbackq_attempts.started_at IS 'when the intent was stored';
COMMENT ON COLUMN callbackq_attempts.connected_at IS 'when both could hear each other';
COMMENT ON COLUMN callbackq_attempts.ended_at IS 'when it ended';
COMMENT ON COLUMN callbackq_attempts.due_at IS 'the next moment at which time alone changes it; none once it is over';
COMMENT ON COLUMN callbackq_attempts.due_reason IS 'why it is looked at then';

COMMENT ON COLUMN callbackq_legs.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_legs.leg_id IS 'the leg; never dialed twice';
COMMENT ON COLUMN callbackq_legs.attempt_id IS 'the attempt that it belongs to';

COMMENT ON COLUMN callbackq_bookings.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_bookings.booking_id IS 'bk_…';
COMMENT ON COLUMN callbackq_bookings.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_bookings.state IS 'held, booked, ended';
COMMENT ON COLUMN callbackq_bookings.queue IS 'the queue';
COMMENT ON COLUMN callbackq_bookings.slot_at IS 'when the slot begins; it follows from wall_at, zone and fold';
COMMENT ON COLUMN callbackq_bookings.length IS 'of the slot, in microseconds';
COMMENT ON COLUMN callbackq_bookings.seat IS 'usual: one for everybody; kept: one that is kept for better priorities';
COMMENT ON COLUMN callbackq_bookings.wall_at IS 'the time on the wall that was promised, such as 2026-03-10T15:00:00';
COMMENT ON COLUMN callbackq_bookings.zone IS 'the time zone of that wall';
COMMENT ON COLUMN callbackq_bookings.fold IS '1: the second of two hours that read the same, when clocks go back';
COMMENT ON COLUMN callbackq_bookings.window_until_at IS
    'the end of the time window that the customer gave: until then it is not late';
COMMENT ON COLUMN callbackq_bookings.callback_id IS 'the callback that it is for; none while it is only held';
COMMENT ON COLUMN callbackq_bookings.call_id IS 'the live call for whose caller it was held';
COMMENT ON COLUMN callbackq_bookings.agent_id IS 'the agent in whose own calendar it stands';
COMMENT ON COLUMN callbackq_bookings.held_at IS 'when the seat was taken';
COMMENT ON COLUMN callbackq_bookings.booked_at IS 'when it was booked';
COMMENT ON COLUMN callbackq_bookings.moves_count IS 'how often it was rescheduled';
COMMENT ON COLUMN callbackq_bookings.repeats IS 'the rule of its series, as in RFC 5545, without RRULE:';
COMMENT ON COLUMN callbackq_bookings.series_id IS 'the first booking of its series';
COMMENT ON COLUMN callbackq_bookings.reminded_at IS 'when agent and customer were reminded';
COMMENT ON COLUMN callbackq_bookings.late_at IS 'when it was said to be late';
COMMENT ON COLUMN callbackq_bookings.ended_as IS 'how it ended: used, or its seat is free again';
COMMENT ON COLUMN callbackq_bookings.ended_at IS 'when it ended';
COMMENT ON COLUMN callbackq_bookings.due_at IS 'the next moment at which time alone changes it; none once it is over';
COMMENT ON COLUMN callbackq_bookings.due_reason IS 'why it is looked at then';

COMMENT ON COLUMN callbackq_slots.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_slots.queue IS 'the queue';
COMMENT ON COLUMN callbackq_slots.slot_at IS 'when the slot begins';
COMMENT ON COLUMN callbackq_slots.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_slots.usual_count IS 'seats for everybody that are taken';
COMMENT ON COLUMN callbackq_slots.kept_count IS 'seats kept for better priorities that are taken';

COMMENT ON COLUMN callbackq_slot_days.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_slot_days.queue IS 'the queue';
COMMENT ON COLUMN callbackq_slot_days.day IS 'the date in the zone of the queue, such as 2026-03-10';
COMMENT ON COLUMN callbackq_slot_days.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_slot_days.full_count IS 'slots that have no seat left for everybody';
COMMENT ON COLUMN callbackq_slot_days.rules IS
    'the settings under which they were counted; under others the count says nothing';

COMMENT ON COLUMN callbackq_subjects.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_subjects.subject_id IS 'su_…';
COMMENT ON COLUMN callbackq_subjects.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_subjects.identity IS 'what makes two requests the same person';
COMMENT ON COLUMN callbackq_subjects.number IS 'in E.164';
COMMENT ON COLUMN callbackq_subjects.extension IS 'dialed after the answer';
COMMENT ON COLUMN callbackq_subjects.name IS 'as given';
COMMENT ON COLUMN callbackq_subjects.language IS 'as given';
COMMENT ON COLUMN callbackq_subjects.alternatives IS
    'list of other numbers of the person, in the order in which they are tried';
COMMENT ON COLUMN callbackq_subjects.wrong_numbers IS 'list of numbers at which somebody else answered';
COMMENT ON COLUMN callbackq_subjects.record_number IS 'the number that the host''s own records have';
COMMENT ON COLUMN callbackq_subjects.flagged_at IS 'when the person was flagged for missing callbacks at chosen times';
COMMENT ON COLUMN callbackq_subjects.contexts IS 'the free context of each request, by callback or call id';
COMMENT ON COLUMN callbackq_subjects.customer_id IS 'the host''s own id of the customer: no two persons have the same';
COMMENT ON COLUMN callbackq_subjects.tier IS 'the host''s own name of the customer''s class of service';
COMMENT ON COLUMN callbackq_subjects.preferred_number IS 'the number that the customer prefers, on every channel';
COMMENT ON COLUMN callbackq_subjects.zone IS 'the zone of hours';
COMMENT ON COLUMN callbackq_subjects.channel IS 'how the customer prefers to be reached';
COMMENT ON COLUMN callbackq_subjects.hours IS 'when the customer wants to be called, by day of the week';
COMMENT ON COLUMN callbackq_subjects.email IS 'where messages go that are sent by e-mail';
COMMENT ON COLUMN callbackq_subjects.pending_number IS
    'a new number that the customer gave by message and has not proved yet';
COMMENT ON COLUMN callbackq_subjects.created_at IS 'when the person was first seen';
COMMENT ON COLUMN callbackq_subjects.seen_at IS 'about when anything was last heard of the person';
COMMENT ON COLUMN callbackq_subjects.erased_at IS 'since when nothing of the person stands here any more';

COMMENT ON COLUMN callbackq_tallies.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_tallies.key IS 'what is counted; never a number, at most a keyed digest of one';
COMMENT ON COLUMN callbackq_tallies.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_tallies.moments IS 'list of instants, in microseconds since 1970';
COMMENT ON COLUMN callbackq_tallies.weights IS 'list: how much was counted at each';
COMMENT ON COLUMN callbackq_tallies.over_at IS 'from then on nothing of it counts';

COMMENT ON COLUMN callbackq_verifications.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_verifications.verification_id IS 'vf_…';
COMMENT ON COLUMN callbackq_verifications.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_verifications.number_key IS 'keyed digest of the number';
COMMENT ON COLUMN callbackq_verifications.queue IS 'the queue';
COMMENT ON COLUMN callbackq_verifications.code_hash IS
    'keyed digest of the code; none once it was used, or tried too often';
COMMENT ON COLUMN callbackq_verifications.tries_count IS 'how often a wrong one was tried';
COMMENT ON COLUMN callbackq_verifications.sent_at IS 'when it was sent';
COMMENT ON COLUMN callbackq_verifications.expires_at IS 'until when it can be used';
COMMENT ON COLUMN callbackq_verifications.verified_at IS 'when the right code was given';
COMMENT ON COLUMN callbackq_verifications.used_at IS 'when a callback was made with it';
COMMENT ON COLUMN callbackq_verifications.callback_id IS 'that callback';

COMMENT ON COLUMN callbackq_opt_outs.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_opt_outs.number_key IS 'keyed digest of the number';
COMMENT ON COLUMN callbackq_opt_outs.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_opt_outs.calls_at IS 'since when no calls; none: they may be made';
COMMENT ON COLUMN callbackq_opt_outs.messages_at IS 'since when no messages; none: they may be sent';
COMMENT ON COLUMN callbackq_opt_outs.by IS 'who said so, or how';
COMMENT ON COLUMN callbackq_opt_outs.changed_at IS 'when it was last changed';

COMMENT ON COLUMN callbackq_messages.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_messages.message_id IS 'ms_…';
COMMENT ON COLUMN callbackq_messages.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_messages.state IS 'where it stands';
COMMENT ON COLUMN callbackq_messages.message_kind IS 'what it is about';
COMMENT ON COLUMN callbackq_messages.cause IS 'what it tells of; no two tell of the same';
COMMENT ON COLUMN callbackq_messages.queue IS 'the queue';
COMMENT ON COLUMN callbackq_messages.callback_id IS 'the callback that it is about';
COMMENT ON COLUMN callbackq_messages.booking_id IS 'the booking that it is about';
COMMENT ON COLUMN callbackq_messages.subject_id IS
    'the person to whom it goes; none for a stranger, who is answered at once';
COMMENT ON COLUMN callbackq_messages.is_answer IS 'whether it answers what the customer wrote';
COMMENT ON COLUMN callbackq_messages.channel IS 'how it was given out last';
COMMENT ON COLUMN callbackq_messages.address_key IS
    'keyed digest of the number or address that it was given out to last';
COMMENT ON COLUMN callbackq_messages.choices IS 'list: what the numbered choices in it mean';
COMMENT ON COLUMN callbackq_messages.sends_count IS 'how often it was given out to be sent, over all channels';
COMMENT ON COLUMN callbackq_messages.tries_count IS 'how often by the present channel';
COMMENT ON COLUMN callbackq_messages.channels_over IS 'list of the channels that were given up';
COMMENT ON COLUMN callbackq_messages.provider_key IS 'keyed digest of the provider''s own id of the latest send';
COMMENT ON COLUMN callbackq_messages.created_at IS 'when it was queued';
COMMENT ON COLUMN callbackq_messages.best_before_at IS 'after this it is not sent any more';
COMMENT ON COLUMN callbackq_messages.sent_at IS 'when the provider had taken it';
COMMENT ON COLUMN callbackq_messages.problem IS 'the provider''s own code, or why it was withdrawn';
COMMENT ON COLUMN callbackq_messages.ended_as IS 'how it ended';
COMMENT ON COLUMN callbackq_messages.ended_at IS 'when it ended';
COMMENT ON COLUMN callbackq_messages.due_at IS 'the next moment at which time alone changes it; none once it is over';
COMMENT ON COLUMN callbackq_messages.due_reason IS 'why it is looked at then';

COMMENT ON COLUMN callbackq_conversations.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_conversations.conversation_key IS 'keyed digest of the number or address, by channel';
COMMENT ON COLUMN callbackq_conversations.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_conversations.question IS 'what was asked and not answered yet';
COMMENT ON COLUMN callbackq_conversations.wish IS 'what is to be done with the answer';
COMMENT ON COLUMN callbackq_conversations.callback_id IS 'the callback that the question is about';
COMMENT ON COLUMN callbackq_conversations.choices IS 'list: what the numbers in the question mean';
COMMENT ON COLUMN callbackq_conversations.verification_id IS 'the one-time code that was sent to a new number';
COMMENT ON COLUMN callbackq_conversations.tries_count IS 'how many answers were given since the sender last paused';
COMMENT ON COLUMN callbackq_conversations.until_at IS 'until when the question stands';
COMMENT ON COLUMN callbackq_conversations.last_callback_id IS 'the callback that the last message was about';
COMMENT ON COLUMN callbackq_conversations.heard_ids IS 'list of digests of the ids of what was heard last';
COMMENT ON COLUMN callbackq_conversations.heard_at IS 'when the latest came';
COMMENT ON COLUMN callbackq_conversations.helped_at IS 'when text that was not understood was last answered with help';
COMMENT ON COLUMN callbackq_conversations.over_at IS 'when the row can be forgotten';

COMMENT ON COLUMN callbackq_queues.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_queues.queue IS 'the queue, or *';
COMMENT ON COLUMN callbackq_queues.version IS 'grows by one with each change';
COMMENT ON COLUMN callbackq_queues.offering_paused IS 'whether no callback is offered';
COMMENT ON COLUMN callbackq_queues.dialing_paused IS 'whether nobody is called back';
COMMENT ON COLUMN callbackq_queues.reason IS 'as the host said';
COMMENT ON COLUMN callbackq_queues.changed_at IS 'when it was last switched';

COMMENT ON COLUMN callbackq_lanes.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_lanes.lane IS 'counted from 1';
COMMENT ON COLUMN callbackq_lanes.skills IS 'list of skills, sorted';

COMMENT ON COLUMN callbackq_history.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_history.history_number IS 'the order of writing, over all tenants; numbers may have gaps';
COMMENT ON COLUMN callbackq_history.entity IS 'callback, call, agent, attempt, queue, booking, opt_out, message, history';
COMMENT ON COLUMN callbackq_history.kind IS 'what happened';
COMMENT ON COLUMN callbackq_history.version IS 'of the row, after the event';
COMMENT ON COLUMN callbackq_history.at IS 'when it happened';
COMMENT ON COLUMN callbackq_history.state IS 'of the row, after the event; so is every column that the row has too';
COMMENT ON COLUMN callbackq_history.due_at IS 'the next moment at which time alone changes it; none once it is over';
COMMENT ON COLUMN callbackq_history.due_reason IS 'why it is looked at then';
COMMENT ON COLUMN callbackq_history.queue IS 'the queue';
COMMENT ON COLUMN callbackq_history.callback_id IS 'the callback concerned';
COMMENT ON COLUMN callbackq_history.call_id IS 'the live call concerned';
COMMENT ON COLUMN callbackq_history.attempt_id IS 'the attempt concerned';
COMMENT ON COLUMN callbackq_history.booking_id IS 'the booking concerned';
COMMENT ON COLUMN callbackq_history.agent_id IS 'the agent concerned';
COMMENT ON COLUMN callbackq_history.subject_id IS 'the person';
COMMENT ON COLUMN callbackq_history.disposition IS 'how an attempt ended';
COMMENT ON COLUMN callbackq_history.outcome IS 'how a callback or a live call ended';
COMMENT ON COLUMN callbackq_history.reason IS
    'why a callback ended, in one word, or as the host said; why a queue was switched; why a report was ignored';
COMMENT ON COLUMN callbackq_history.detail IS 'the other fields of this kind of event, exactly as they were written';
COMMENT ON COLUMN callbackq_history.record_id IS 'the id of the row; with entity, the name of a chain of events';
COMMENT ON COLUMN callbackq_history.event_number IS 'counted from 1 within the chain, without a gap';
COMMENT ON COLUMN callbackq_history.digest IS
    'SHA-256, in hex, over the digest before it in the chain and over the event';

COMMENT ON COLUMN callbackq_nodes.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_nodes.node_id IS 'the name that the host gave it; it stands in its attempts';
COMMENT ON COLUMN callbackq_nodes.version IS 'grows by one with each change, and so with each beat';
COMMENT ON COLUMN callbackq_nodes.state IS 'up, draining or gone';
COMMENT ON COLUMN callbackq_nodes.instance_id IS 'of this start of the process; a restart has another one';
COMMENT ON COLUMN callbackq_nodes.started_at IS 'when it started';
COMMENT ON COLUMN callbackq_nodes.seen_at IS 'when it beat last';
COMMENT ON COLUMN callbackq_nodes.lease_until_at IS 'after this others may take its attempts over';
COMMENT ON COLUMN callbackq_nodes.schema_version IS 'the newest schema that its release knows';
COMMENT ON COLUMN callbackq_nodes.release IS 'the version of callbackq that it runs';
COMMENT ON COLUMN callbackq_nodes.fingerprints IS 'by queue, a digest of the settings that order its line';
COMMENT ON COLUMN callbackq_nodes.due_at IS 'the next moment at which time alone changes it; none once it is gone';
COMMENT ON COLUMN callbackq_nodes.due_reason IS 'why it is looked at then';

COMMENT ON COLUMN callbackq_v_line.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_v_line.queue IS 'the queue';
COMMENT ON COLUMN callbackq_v_line.position IS '1 is served next';
COMMENT ON COLUMN callbackq_v_line.entity IS 'callback or call';
COMMENT ON COLUMN callbackq_v_line.id IS 'its id';
COMMENT ON COLUMN callbackq_v_line.subject_id IS 'the person';
COMMENT ON COLUMN callbackq_v_line.priority IS '0 to 255, lower first';
COMMENT ON COLUMN callbackq_v_line.lane IS 'the set of skills that it needs; 0 needs none';
COMMENT ON COLUMN callbackq_v_line.entered_at IS 'when the caller first entered the queue';
COMMENT ON COLUMN callbackq_v_line.rank IS 'the order of the line: lower first, then by place_id';
COMMENT ON COLUMN callbackq_v_line.place_id IS 'under which id the place was first taken; breaks ties';

COMMENT ON COLUMN callbackq_v_due.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_v_due.due_at IS 'when';
COMMENT ON COLUMN callbackq_v_due.due_reason IS 'why';
COMMENT ON COLUMN callbackq_v_due.entity IS 'callback, call, agent, attempt, booking, message, node';
COMMENT ON COLUMN callbackq_v_due.id IS 'its id';
COMMENT ON COLUMN callbackq_v_due.state IS 'where it stands now';

COMMENT ON COLUMN callbackq_v_attempts.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_v_attempts.queue IS 'the queue';
COMMENT ON COLUMN callbackq_v_attempts.attempt_id IS 'the attempt';
COMMENT ON COLUMN callbackq_v_attempts.callback_id IS 'its callback';
COMMENT ON COLUMN callbackq_v_attempts.agent_id IS 'the agent who is reserved';
COMMENT ON COLUMN callbackq_v_attempts.state IS 'where it stands';
COMMENT ON COLUMN callbackq_v_attempts.agent_leg IS 'how far the agent''s leg has come';
COMMENT ON COLUMN callbackq_v_attempts.customer_leg IS 'how far the customer''s leg has come';
COMMENT ON COLUMN callbackq_v_attempts.started_at IS 'when the intent was stored';
COMMENT ON COLUMN callbackq_v_attempts.due_at IS 'its next deadline';
COMMENT ON COLUMN callbackq_v_attempts.attempts_count IS 'attempts of the callback that counted before it';
COMMENT ON COLUMN callbackq_v_attempts.entered_at IS 'when the caller first entered the queue';

COMMENT ON COLUMN callbackq_v_queues.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_v_queues.queue IS 'the queue';
COMMENT ON COLUMN callbackq_v_queues.callbacks_waiting IS 'callbacks in line';
COMMENT ON COLUMN callbackq_v_queues.calls_waiting IS 'live calls in line';
COMMENT ON COLUMN callbackq_v_queues.oldest_entered_at IS 'since when the longest waiting place waits';
COMMENT ON COLUMN callbackq_v_queues.agents_staffed IS 'agents signed in for it';

COMMENT ON COLUMN callbackq_v_ended.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_v_ended.queue IS 'the queue';
COMMENT ON COLUMN callbackq_v_ended.callback_id IS 'the callback';
COMMENT ON COLUMN callbackq_v_ended.channel IS 'how it was asked for';
COMMENT ON COLUMN callbackq_v_ended.purpose IS 'why the customer was called';
COMMENT ON COLUMN callbackq_v_ended.priority IS '0 to 255, lower first';
COMMENT ON COLUMN callbackq_v_ended.outcome IS 'how it ended';
COMMENT ON COLUMN callbackq_v_ended.last_disposition IS 'how its last attempt ended';
COMMENT ON COLUMN callbackq_v_ended.attempts_count IS 'attempts that counted';
COMMENT ON COLUMN callbackq_v_ended.requested_at IS 'when the promise was made';
COMMENT ON COLUMN callbackq_v_ended.turn_at IS 'when its turn first came; none if it never did';
COMMENT ON COLUMN callbackq_v_ended.ended_at IS 'when it ended';
COMMENT ON COLUMN callbackq_v_ended.turn_after_s IS 'seconds from the promise to its turn';
COMMENT ON COLUMN callbackq_v_ended.ended_after_s IS 'seconds from the promise to its end';
COMMENT ON COLUMN callbackq_v_ended.quoted_wait_s IS 'the wait that the customer was told, in seconds';
COMMENT ON COLUMN callbackq_v_ended.quote_error_s IS 'by how many seconds its turn came later than that';

COMMENT ON COLUMN callbackq_v_nodes.tenant_id IS 'whose row it is';
COMMENT ON COLUMN callbackq_v_nodes.node_id IS 'the node';
COMMENT ON COLUMN callbackq_v_nodes.state IS 'up, draining or gone';
COMMENT ON COLUMN callbackq_v_nodes.started_at IS 'when it started';
COMMENT ON COLUMN callbackq_v_nodes.seen_at IS 'when it beat last';
COMMENT ON COLUMN callbackq_v_nodes.lease_until_at IS 'after this others may take its attempts over';
COMMENT ON COLUMN callbackq_v_nodes.release IS 'the version of callbackq that it runs';
COMMENT ON COLUMN callbackq_v_nodes.schema_version IS 'the newest schema that its release knows';
COMMENT ON COLUMN callbackq_v_nodes.attempts_open IS 'attempts that it has begun and not ended';
