/* The life of a request, as kernel/ipc has it, for Spin. Four threads: a caller (SYS_CALL, with a deadline), a sender (SYS_SEND through
   a call object), a server whose actor dies and is restarted, and one that does the rest: timers, deaths, revocations. Each atomic
   step is one kernel entry, since one lock is held through it. -DMISTAKE=n seeds a mistake; test_model.py shows that each is found.

   step here             function in C
   send                  request_send (request.c); hold: session_hold (session.c)
   release, detach       release, detach (request.c); unhold: session_unhold, check_gone (session.c)
   finish                request_finish: wake_caller (request.c), or call_answered (call.c)
   receive, take         endpoint_receive, show_cancelled, show_gone (endpoint.c), request_take (request.c)
   reply                 request_reply (request.c)
   put aside, serve      request_put_aside, request_serve (request.c)
   forward               request_forward (request.c), to a session of the same endpoint that the server holds
   cancel                request_cancel (request.c), from expire (schedule.c) for the caller, from call.cancel for the sender
   actor ends            process_end_threads, request_abandon (process.c, request.c); renewed: show_again (process.c)
   caller ends           thread_end, request_withdraw (thread.c); its call object: call_unreachable (call.c)
   endpoint ends         endpoint_reap_step (endpoint.c), one request a step
   committed             what libipc/state keeps: effect, number and answer in one record

   Not modelled: words, capabilities and lent buffers; priorities; the fast path (tests/kernel compares it with the slow one); several
   servers; the steps of a process's end (all requests are abandoned at once); a third caller. */
#ifndef MISTAKE
#define MISTAKE 0
#endif
#define WRONG(n) (MISTAKE == n)
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef DEATHS
#define DEATHS 2
#endif
#define REQUESTS 2
#define NOBODY 2

mtype = { IDLE, QUEUED, SERVED, ASIDE, DELIVERED };          /* enum request_state; DELIVERED: REQUEST_ANSWERED */
mtype = { NONE, ANSWERED, CANCELLED, LOST, DEADLINE, UNKNOWN, DYING, REVOKED };

mtype state[REQUESTS] = IDLE;
mtype outcome[REQUESTS] = NONE;
byte outcomes[REQUESTS];              /* told for the present send: never more than one */
byte number[REQUESTS];                /* request->count */
byte effects[REQUESTS];               /* of the present number */
byte committed[REQUESTS];             /* the server's state memory: the last number that had its effect */
bool cancelling[REQUESTS];
bool taken[REQUESTS];                 /* by a server, since it was sent */
bool slot[REQUESTS];                  /* a reply capability names it */
bool ended[REQUESTS];                 /* the caller is dead */
bool forwarded[REQUESTS];
chan queue = [4] of { byte };         /* endpoint->queue */
chan told = [4] of { byte };          /* endpoint->cancelled */
chan answers = [4] of { byte };       /* the queue of the call object's endpoint */
byte serving = NOBODY;                /* thread->caller or thread->serving of the server */
bool alive = true, dying, reaped;     /* the actor; the endpoint, and its queue's end */
bool knows;                           /* the actor was shown the session's end */
byte holds, deaths;                   /* session->holds */
bool capability = true, gone, shown, acknowledged; /* to the session; its end */

inline check_gone() {
    if
    :: !capability && (holds == 0 || WRONG(1)) && !acknowledged -> gone = true
    :: else
    fi
}
inline unhold() {
    if
    :: WRONG(2)
    :: else -> assert(holds > 0); holds--
    fi;
    check_gone()
}
inline hold() {
    assert(!acknowledged);            /* the session is still there */
    if
    :: WRONG(3)
    :: else -> holds++
    fi
}
inline detach(d) {
    if
    :: told??[eval(d)] && !WRONG(4) -> told??eval(d)
    :: else
    fi;
    if
    :: state[d] == QUEUED && !WRONG(5) -> queue??eval(d)
    :: state[d] == SERVED && !WRONG(6) -> serving = NOBODY
    :: state[d] == ASIDE && !WRONG(7) -> slot[d] = false
    :: state[d] == DELIVERED -> answers??eval(d)
    :: else
    fi
}
inline release(l) {
    assert(state[l] != IDLE);
    if
    :: state[l] == DELIVERED -> detach(l); state[l] = IDLE
    :: state[l] != DELIVERED && forwarded[l] -> detach(l); state[l] = IDLE
    :: else -> detach(l); state[l] = IDLE; unhold()
    fi
}
inline send(s) {
    if
    :: forwarded[s]                   /* to a session that the server itself holds */
    :: else -> hold()
    fi;
    state[s] = QUEUED;
    cancelling[s] = false;
    taken[s] = taken[s] && forwarded[s];
    if
    :: WRONG(8)
    :: else -> queue!s
    fi;
    if
    :: WRONG(9) -> queue!s
    :: else
    fi
}
/* The caller goes on, or the answer is queued where the call object's answers go. */
inline tell(t, what) {
    assert(!ended[t]);                /* nobody wakes the dead */
    outcome[t] = what;
    outcomes[t] = outcomes[t] + 1;
    if
    :: WRONG(10) -> outcomes[t] = outcomes[t] + 1
    :: WRONG(11) -> outcome[t] = NONE; outcomes[t] = 0
    :: else
    fi;
    if
    :: t == 1 -> state[t] = DELIVERED; if :: WRONG(12) :: else -> answers!t fi
    :: else
    fi
}
inline finish(f, how) { release(f); tell(f, how) }
inline cancel(x) {
    if
    :: state[x] == QUEUED -> if :: WRONG(13) -> tell(x, DEADLINE) :: else -> finish(x, DEADLINE) fi
    :: (state[x] == SERVED || state[x] == ASIDE) && cancelling[x] -> /* the second time: the grace is over */
        if :: WRONG(14) -> finish(x, DEADLINE) :: else -> finish(x, UNKNOWN) fi
    :: (state[x] == SERVED || state[x] == ASIDE) && !cancelling[x] ->
        if
        :: WRONG(15) -> finish(x, DEADLINE)
        :: else -> cancelling[x] = true; told!x
        fi
    :: else
    fi
}
inline execute(e) {                   /* the method's effect */
    if
    :: committed[e] == number[e] && !WRONG(16)
    :: else -> effects[e] = effects[e] + 1; if :: WRONG(17) :: else -> committed[e] = number[e] fi
    fi
}

/* A request that is not idle is in exactly one place, and holds its session. */
#define IN(chan, r) (chan??[r] -> 1 : 0) /* a bare poll is the place in the channel */
#define IN_PLACE(r) ((state[r] == QUEUED) == IN(queue, r)) && ((state[r] == SERVED) == (serving == r)) && \
                    ((state[r] == ASIDE) == slot[r]) && ((state[r] == DELIVERED) == IN(answers, r)) && \
                    (!IN(told, r) || (cancelling[r] && (state[r] == SERVED || state[r] == ASIDE)))
#define HELD(r) (!forwarded[r] && (state[r] == QUEUED || state[r] == SERVED || state[r] == ASIDE) -> 1 : 0)
#define RIGHT (IN_PLACE(0) && IN_PLACE(1) && holds == HELD(0) + HELD(1) && len(queue) <= 2 && len(answers) <= 1)

/* What is true whenever a caller has been told. */
inline judge(j) {
    assert(outcomes[j] == 1);                                   /* no reply lost, none doubled */
    assert(effects[j] <= 1);                                    /* however often it was sent */
    assert(outcome[j] != ANSWERED || effects[j] == 1);
    assert(outcome[j] != CANCELLED || effects[j] == 0);
    assert(outcome[j] != DEADLINE || effects[j] == 0 || again); /* it left the queue: nothing was done, but by a lost actor */
    assert(outcome[j] != LOST || taken[j])                      /* what only waits is not lost with the actor */
}
inline begin(b) {
    if
    :: again && !WRONG(18)                                      /* TAG_REPEAT: the same number */
    :: !again -> number[b] = number[b] + 1; effects[b] = 0
    :: again && WRONG(18) -> number[b] = number[b] + 1
    fi;
    outcomes[b] = 0; outcome[b] = NONE; taken[b] = false; forwarded[b] = false;
    if
    :: dying && !WRONG(19) -> outcome[b] = DYING; outcomes[b] = 1
    :: (!dying || WRONG(19)) && !capability -> outcome[b] = REVOKED; outcomes[b] = 1
    :: (!dying || WRONG(19)) && capability -> send(b)
    fi
}

proctype caller() {
    bool again;
    byte done;
    do
    :: done == ROUNDS || ended[0] -> break
    :: else ->
        atomic { if :: ended[0] -> break :: else -> begin(0); assert(RIGHT) fi }
        atomic {
            if
            :: ended[0] -> break
            :: outcome[0] != NONE && !ended[0] ->
                assert(state[0] == IDLE);
                judge(0);
                if
                :: outcome[0] == LOST -> again = true
                :: else -> again = false; done++
                fi
            fi
        }
    od
}

proctype sender() {
    bool again;
    byte done;
    do
    :: done == ROUNDS || ended[1] -> break
    :: else ->
        atomic { if :: ended[1] -> break :: else -> begin(1); assert(RIGHT) fi }
        atomic {
            if
            :: ended[1] -> break
            :: outcome[1] != NONE && state[1] == IDLE && !ended[1] -> again = false; done++ /* it was never sent */
            :: answers??[1] && !ended[1] -> /* show_answer */
                assert(state[1] == DELIVERED);
                release(1);
                judge(1);
                assert(RIGHT);
                if
                :: outcome[1] == LOST -> again = true
                :: else -> again = false; done++
                fi
            fi
        }
    od
}

proctype server() {
    byte r;
end:
    do
    :: atomic { alive && serving == NOBODY && nempty(told) -> told?r; assert(state[r] == SERVED || state[r] == ASIDE); r = 0 }
    :: atomic { alive && serving == NOBODY && empty(told) && gone && !shown ->
            assert(HELD(0) + HELD(1) == 0); shown = true; knows = true }
    :: atomic { alive && knows && !acknowledged -> acknowledged = true; gone = false }
    :: atomic { alive && serving == NOBODY && empty(told) && (!gone || shown) && nempty(queue) ->
            queue?r; assert(state[r] == QUEUED); state[r] = SERVED; serving = r; taken[r] = true; assert(RIGHT); r = 0 }
    :: atomic { alive && serving != NOBODY -> r = serving; assert(state[r] == SERVED); execute(r); r = 0 }
    :: atomic { alive && serving != NOBODY ->
            r = serving;
            if
            :: committed[r] == number[r] || WRONG(20) -> finish(r, ANSWERED)
            :: cancelling[r] && committed[r] != number[r] -> finish(r, CANCELLED)
            :: WRONG(17) && effects[r] == 1 -> finish(r, ANSWERED)
            :: else
            fi;
            assert(RIGHT); r = 0 }
    :: atomic { alive && serving != NOBODY -> r = serving; if :: WRONG(21) :: else -> serving = NOBODY fi;
            state[r] = ASIDE; slot[r] = true; assert(RIGHT); r = 0 }
    :: atomic { alive && serving == NOBODY && (slot[0] || slot[1]) ->
            if :: slot[0] -> r = 0 :: slot[1] -> r = 1 fi;
            assert(state[r] == ASIDE);
            slot[r] = WRONG(22); state[r] = SERVED; serving = r; assert(RIGHT); r = 0 }
    :: atomic { alive && !dying && serving != NOBODY && committed[serving] != number[serving] && !forwarded[serving] ->
            r = serving; release(r); forwarded[r] = true; send(r); assert(RIGHT); r = 0 }
    od
}

/* Ends what the actor took and did not answer. */
inline abandon() {
    if :: state[0] == SERVED && !WRONG(23) -> finish(0, LOST) :: state[0] == ASIDE && !WRONG(24) -> finish(0, LOST)
       :: state[0] == QUEUED && WRONG(25) -> finish(0, LOST) :: else fi;
    if :: state[1] == SERVED && !WRONG(23) -> finish(1, LOST) :: state[1] == ASIDE && !WRONG(24) -> finish(1, LOST)
       :: state[1] == QUEUED && WRONG(25) -> finish(1, LOST) :: else fi;
    serving = NOBODY;
    knows = false
}

proctype world() {
    do
    :: atomic { alive && !dying && deaths < DEATHS -> deaths++; abandon(); alive = false; assert(RIGHT) }
    :: atomic { !alive && !dying -> alive = true; if :: WRONG(26) :: else -> shown = shown && acknowledged fi } /* a new actor */
    :: atomic { state[0] != IDLE && !ended[0] -> cancel(0); assert(RIGHT) }   /* its deadline, then its grace */
    :: atomic { (state[1] == QUEUED || ((state[1] == SERVED || state[1] == ASIDE) && !cancelling[1])) && !ended[1] -> cancel(1); assert(RIGHT) }
    :: atomic { capability && !dying -> capability = false; check_gone() }    /* the session is revoked */
    :: atomic { !ended[0] && outcomes[0] == 0 && state[0] != IDLE ->          /* the caller is killed in its call */
            if :: WRONG(27) -> state[0] = IDLE :: else -> release(0) fi; ended[0] = true; assert(RIGHT) }
    :: atomic { !ended[1] && state[1] != IDLE ->                              /* the call object goes */
            if :: state[1] == DELIVERED && WRONG(28) -> state[1] = IDLE :: else -> release(1) fi; ended[1] = true; assert(RIGHT) }
    :: atomic { alive && !dying -> abandon(); alive = false; dying = true; assert(RIGHT) } /* the endpoint's end, its server's before */
    :: atomic { dying && !reaped && nempty(queue) && !WRONG(29) ->
            if :: queue??[0] -> finish(0, DYING) :: else -> finish(1, DYING) fi; assert(RIGHT) }
    :: atomic { dying && !reaped && empty(queue) -> reaped = true }
    :: break
    od;
    /* Nothing more happens, but what was begun is brought to its end. */
end:
    do
    :: atomic { dying && !reaped && nempty(queue) && !WRONG(29) ->
            if :: queue??[0] -> finish(0, DYING) :: else -> finish(1, DYING) fi; assert(RIGHT) }
    :: atomic { dying && !reaped && empty(queue) -> reaped = true }
    :: atomic { !alive && !dying -> alive = true; if :: WRONG(26) :: else -> shown = shown && acknowledged fi }
    :: atomic { timeout -> /* nobody can go on: then nobody may wait, and a session that ended was told */
            assert(state[0] == IDLE && state[1] == IDLE && holds == 0);
            assert(capability || dying || acknowledged);
            break }
    od
}

init { atomic { run caller(); run sender(); run server(); run world() } }
