# Copyright the oslo.service developers
# SPDX-License-Identifier: Apache-2.0
"""The rules about the use of Eventlet."""

from oslo_service.commands.check.model import Rule, Severity

__all__ = (
    "ASKING",
    "DYNAMIC",
    "EVENT",
    "EXECUTOR",
    "FUTURIST",
    "GREEN",
    "GREENLET",
    "GREEN_THREAD",
    "HUB",
    "IMPORT",
    "LOCAL",
    "MOCKED",
    "MONKEY_PATCH",
    "ORIGINAL",
    "OTHER",
    "POOL",
    "POOLED",
    "QUEUE",
    "RULES",
    "SEMAPHORE",
    "SLEEP",
    "SOCKET",
    "SPAWN",
    "SPAWN_AFTER",
    "STATED",
    "TIMEOUT",
    "TPOOL",
    "WSGI",
    "YIELD",
)

MONKEY_PATCH = Rule(
    "OSE101",
    Severity.ERROR,
    "the process is monkey-patched",
    "A patched process has no native threads: the driver threading is refused there.",
    "oslo_service.backend.bootstrap() at the top of the program: it patches only"
    " where the option says eventlet.",
)
IMPORT = Rule(
    "OSE102",
    Severity.ERROR,
    "Eventlet or greenlet is imported",
    "The module cannot be imported where Eventlet is not installed, and brings it"
    " into every process where it is.",
    "Nothing, once what is used of it has been replaced; or an import inside the"
    " one function that runs on Eventlet only.",
)
DYNAMIC = Rule(
    "OSE103",
    Severity.ERROR,
    "Eventlet or greenlet is imported by name",
    "It is the same as an import statement, harder to find.",
    "Nothing, once what is used of it has been replaced.",
)
GREEN = Rule(
    "OSE104",
    Severity.ERROR,
    "a green copy of a standard module is imported or used",
    "It blocks the calling green thread only, and on native threads it needs a hub"
    " in each of them.",
    "The standard module of that name, which blocks only the thread that calls it.",
)
ASKING = Rule(
    "OSE105",
    Severity.WARNING,
    "the code asks Eventlet what is patched, or for what was there before",
    "On native threads nothing is patched: the answer is always the same, and"
    " Eventlet is loaded to give it.",
    "The standard module itself. Where both models have to be told apart:"
    " oslo_service.backend.get_backend().name.",
)
SPAWN = Rule(
    "OSE110",
    Severity.ERROR,
    "a green thread is spawned",
    "On native threads it runs only while the thread that spawned it waits in"
    " Eventlet; mostly, it never runs.",
    "ThreadGroup.add_thread() of oslo_service.threadgroup, where a service has to"
    " wait for it or to stop it; submit() of a futurist.ThreadPoolExecutor"
    " elsewhere.",
)
SPAWN_AFTER = Rule(
    "OSE111",
    Severity.ERROR,
    "a green thread is spawned after a delay",
    "On native threads it runs only if the thread that spawned it waits in Eventlet"
    " at that time.",
    "threading.Timer, with daemon = True; what it is cancelled by is called"
    " cancel(), too. For what repeats: ThreadGroup.add_timer().",
)
GREEN_THREAD = Rule(
    "OSE112",
    Severity.ERROR,
    "a green thread is killed, linked, awaited or asked for",
    "A native thread cannot be killed from outside, and has no such methods.",
    "Of what ThreadGroup.add_thread() returns: wait() and link(); stop() asks it to"
    " end, which its function sees in oslo_service.threadgroup.stop_requested()."
    " Of a Future: result() and add_done_callback(). For the current one:"
    " threading.current_thread().",
)
POOL = Rule(
    "OSE113",
    Severity.ERROR,
    "a pool of green threads is used",
    "It has no native threads. The sizes that are usual for it are too large for them.",
    "futurist.ThreadPoolExecutor(max_workers=...): submit() for spawn() and"
    " spawn_n(), map() for imap(), shutdown(wait=True) for waitall(). Where it"
    " belongs to a service: ThreadGroup(thread_pool_size=...).",
)
SLEEP = Rule(
    "OSE114",
    Severity.ERROR,
    "the code sleeps in Eventlet",
    "On a native thread it starts a hub of that thread's own, to sleep in it.",
    "time.sleep(). In what has to end when the service stops:"
    " oslo_service.threadgroup.stop_requested().wait(timeout=...).",
)
YIELD = Rule(
    "OSE115",
    Severity.ERROR,
    "the code sleeps in Eventlet to let other green threads run",
    "Native threads take turns by themselves.",
    "Nothing: drop the call.",
)
TIMEOUT = Rule(
    "OSE116",
    Severity.ERROR,
    "a block of code is limited by an Eventlet time-out",
    "It is raised by the hub when the block waits there. On native threads nothing"
    " raises it: what hangs, hangs.",
    "The time-out of each call that may block (timeout= of sockets, requests,"
    " subprocess, Future.result(), Event.wait(), Queue.get()); for a whole block, a"
    " deadline by time.monotonic() that is looked at in between. What used to be"
    " raised is then TimeoutError, or the call's own.",
)
TPOOL = Rule(
    "OSE117",
    Severity.ERROR,
    "a call is handed to Eventlet's native threads",
    "That keeps a call that blocks from holding up the green threads. On native"
    " threads there are none to hold up.",
    "The call itself. In place of tpool.Proxy(thing): the thing.",
)
EVENT = Rule(
    "OSE118",
    Severity.ERROR,
    "an Eventlet event is used",
    "It wakes green threads of one hub, not native threads.",
    "threading.Event where nothing is sent with it (set() for send());"
    " concurrent.futures.Future where a result or an error is (set_result(),"
    " set_exception(), result(timeout)).",
)
QUEUE = Rule(
    "OSE119",
    Severity.ERROR,
    "an Eventlet queue is used",
    "It wakes green threads of one hub, not native threads.",
    "The standard module queue: Queue for Queue and LightQueue, SimpleQueue where"
    " nothing but put() and get() is needed; Empty and Full are called the same.",
)
SEMAPHORE = Rule(
    "OSE120",
    Severity.ERROR,
    "an Eventlet semaphore or lock is used",
    "It wakes green threads of one hub, and protects nothing between native threads.",
    "threading.Semaphore, BoundedSemaphore, Lock, RLock, Condition, of the same names.",
)
LOCAL = Rule(
    "OSE121",
    Severity.ERROR,
    "state is kept per green thread",
    "Native threads that are reused, as those of a pool, meet what an earlier task"
    " left there.",
    "threading.local where it is set anew at the beginning of each task;"
    " contextvars.ContextVar where it belongs to a request.",
)
POOLED = Rule(
    "OSE122",
    Severity.ERROR,
    "an Eventlet pool of objects or connections is used",
    "It hands out objects among green threads of one hub only.",
    "queue.Queue with the objects in it; for databases, the pool of SQLAlchemy.",
)
WSGI = Rule(
    "OSE123",
    Severity.ERROR,
    "HTTP is served by Eventlet",
    "It serves by green threads only.",
    "oslo_service.wsgi.Server, which serves on every driver; or a WSGI server of"
    " its own, such as uWSGI, in front of the application.",
)
SOCKET = Rule(
    "OSE124",
    Severity.ERROR,
    "Eventlet's helpers for sockets are used",
    "They make green sockets, which need a hub in each native thread.",
    "socket.create_server(), socket.create_connection(timeout=...), and"
    " ssl.SSLContext.wrap_socket().",
)
HUB = Rule(
    "OSE125",
    Severity.ERROR,
    "Eventlet's hub or its insides are used",
    "There is no hub on native threads.",
    "What blocks the calling thread: select.select(), selectors, a socket with a"
    " time-out. Debugging aids of the hub: nothing.",
)
OTHER = Rule(
    "OSE126",
    Severity.ERROR,
    "something else of Eventlet is used",
    "It works with green threads only.",
    "What the standard library has for it.",
)
GREENLET = Rule(
    "OSE130",
    Severity.ERROR,
    "greenlets are used",
    "Nothing switches between them on native threads, and GreenletExit is never"
    " raised there.",
    "Threads, and threading.local or contextvars for what belongs to one. Where"
    " GreenletExit is caught: a function that looks at"
    " oslo_service.threadgroup.stop_requested().",
)
FUTURIST = Rule(
    "OSE131",
    Severity.ERROR,
    "a futurist executor of green threads is used",
    "It needs Eventlet and a hub.",
    "futurist.ThreadPoolExecutor, or oslo_service.backend.get_backend().executor(),"
    " which is of the model that was selected.",
)
EXECUTOR = Rule(
    "OSE132",
    Severity.ERROR,
    "a message server is told to work on Eventlet",
    "oslo.messaging loads Eventlet for it, and warns or fails where the process is"
    " not patched.",
    "Nothing: oslo.messaging sees by itself whether the process is patched. For a"
    ' release of it that does not, executor="threading", which is right on both'
    " models: in a patched process these are green threads.",
)
STATED = Rule(
    "OSE133",
    Severity.WARNING,
    "the Eventlet driver is selected in code",
    "The option in the configuration file has no say then.",
    "Nothing, so that the option [oslo_service] backend decides; or a hook by"
    " oslo_service.backend.register_backend_default_hook(), for a default.",
)
MOCKED = Rule(
    "OSE134",
    Severity.ERROR,
    "a part of Eventlet is replaced, by a test or otherwise",
    "It fails where Eventlet is not installed, and changes nothing that is called"
    " on native threads.",
    "The same for what the code calls instead; for the limits of the HTTP server,"
    " options such as max_header_line.",
)
ORIGINAL = Rule(
    "OSE135",
    Severity.ERROR,
    "a module is imported by the name under which Eventlet keeps the original",
    "There is no such module in a process that Eventlet has not patched: the import"
    " fails.",
    "The standard module itself, or nothing: where this repairs something after"
    " patching, that is done by oslo_service.backend.bootstrap(). If it has to stay,"
    " in the branch that patches.",
)

RULES = (
    MONKEY_PATCH,
    IMPORT,
    DYNAMIC,
    GREEN,
    ASKING,
    SPAWN,
    SPAWN_AFTER,
    GREEN_THREAD,
    POOL,
    SLEEP,
    YIELD,
    TIMEOUT,
    TPOOL,
    EVENT,
    QUEUE,
    SEMAPHORE,
    LOCAL,
    POOLED,
    WSGI,
    SOCKET,
    HUB,
    OTHER,
    GREENLET,
    FUTURIST,
    EXECUTOR,
    STATED,
    MOCKED,
    ORIGINAL,
)
