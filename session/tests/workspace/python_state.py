"""What Python has beside its objects, and what becomes of it over a sleep: cases of a test, rows of a table in the docs."""

from typing import NamedTuple


class StateCase(NamedTuple):
    """`made` sets it up. It is kept where `asked` is `answer` afterwards; or else named, and `named` is in the name."""

    what: str
    made: str
    asked: str = ""
    answer: str = "True"
    named: str = ""


CASES = (
    StateCase("order of `sys.path`", "import sys; sys.path.insert(0, '/first')", "__import__('sys').path[0]", "'/first'"),
    StateCase(
        "environment variables that you set or removed, but for those that the new session sets itself",
        "import os; os.environ['MINE'] = 'ü'; os.environ.pop('LANG', None)",
        "__import__('os').environ['MINE'], 'LANG' in __import__('os').environ", "('ü', False)",
    ),
    StateCase("time zone",
              "import os, time; os.environ['TZ'] = 'Asia/Tokyo'; time.tzset()", "__import__('time').tzname[0]", "'JST'"),
    StateCase("working directory", "import os; os.makedirs('w'); os.chdir('w')", "__import__('os').getcwd().endswith('/w')"),
    StateCase("locale", "import locale; locale.setlocale(locale.LC_NUMERIC, 'C.UTF-8')",
              "__import__('locale').setlocale(__import__('locale').LC_NUMERIC)", "'C.UTF-8'"),
    StateCase("`sys.setrecursionlimit`",
              "import sys; sys.setrecursionlimit(4321)", "__import__('sys').getrecursionlimit()", "4321"),
    StateCase("context of `decimal`", "import decimal; decimal.getcontext().prec = 7",
              "str(__import__('decimal').Decimal(1) / 3)", "'0.3333333'"),
    StateCase("levels and handlers of `logging`",
              "import logging; a = logging.getLogger('a'); a.setLevel(10); a.addHandler(logging.FileHandler('a.log'))",
              "__import__('logging').getLogger('a').level, len(__import__('logging').getLogger('a').handlers)", "(10, 1)"),
    StateCase("filters of `warnings`", "import warnings; warnings.filterwarnings('error', message='mine')",
              "any(f[0] == 'error' and f[1] and f[1].pattern == 'mine' for f in __import__('warnings').filters)"),
    StateCase("numpy's print options", "import numpy as np; np.set_printoptions(precision=3)",
              "__import__('numpy').get_printoptions()['precision']", "3"),
    StateCase("numpy's `seterr`",
              "import numpy as np; np.seterr(divide='raise')", "__import__('numpy').geterr()['divide']", "'raise'"),
    StateCase("options of pandas", "import pandas as pd; pd.set_option('display.max_rows', 7)",
              "__import__('pandas').get_option('display.max_rows')", "7"),
    StateCase("variables of a context (`contextvars`), with what is in them",
              "import contextvars; who = contextvars.ContextVar('who', default='none'); who.set('ann'); which = [who]\n"
              "nobody = contextvars.ContextVar('nobody'); None",
              "who.get(), which[0] is who, nobody.get(5), __import__('contextvars').Context().run(who.get)",
              "('ann', True, 5, 'none')"),
    StateCase("fonts that you gave to matplotlib",
              "import matplotlib.font_manager as fonts, shutil; shutil.copy(fonts.findfont('DejaVu Sans'), 'own.ttf')\n"
              "import os; fonts.fontManager.addfont(os.path.abspath('own.ttf')); del fonts",
              "any(f.fname.endswith('own.ttf') for f in __import__('matplotlib.font_manager').font_manager.fontManager.ttflist)"),
    StateCase("`rcParams` of matplotlib", "import matplotlib as mpl; mpl.rcParams['lines.linewidth'] = 9",
              "__import__('matplotlib').rcParams['lines.linewidth']", "9.0"),
    StateCase("states of random numbers",
              "import random; random.seed(5); [random.random() for _ in range(3)]; s = random.getstate()",
              "__import__('random').getstate() == s"),
    StateCase("views of one numpy array", "import numpy as np; a = np.arange(9); b = a[3:]; c = a.reshape(3, 3)",
              "b.__setitem__(0, 50) or (int(a[3]), int(c[1, 0]))", "(50, 50)"),
    StateCase("loaded extensions, and how `%autoreload` is set", "%load_ext autoreload\n%autoreload 2",
              "get_ipython().magics_manager.registry['AutoreloadMagics']._reloader.check_all"),
    StateCase("magics that cells made",
              "from IPython.core.magic import register_line_magic\n@register_line_magic\ndef twice(l): return l * 2",
              "get_ipython().run_line_magic('twice', 'ab')", "'abab'"),
    StateCase("aliases", "%alias hello echo hello", "'hello' in dict(get_ipython().alias_manager.aliases)"),
    StateCase("`In`, `Out` and the number of the next cell", "40 + 2", "42 in Out.values() and '40 + 2' in In"),
    StateCase("order in which names were made", "zz = 1; aa = 2; mm = [3]", "[n for n in globals() if n in ('zz', 'aa', 'mm')]",
              "['zz', 'aa', 'mm']"),
    StateCase("open figures of matplotlib, where it draws into files",
              "import matplotlib; matplotlib.use('agg'); import matplotlib.pyplot as plt; plt.figure('mine'); del plt",
              "__import__('matplotlib.pyplot').pyplot.get_figlabels()", "['mine']"),
    StateCase("functions given to IPython: for its events, for how results are shown, for errors and code",
              "HITS = []\ndef after(*a): HITS.append(1)\nget_ipython().events.register('post_run_cell', after)\n"
              "class Shown: pass\n"
              "get_ipython().display_formatter.formatters['text/html'].for_type(Shown, lambda o: '<b>mine</b>')\n"
              "def handler(self, type_, value, tb, tb_offset=None): print('HANDLED')\n"
              "get_ipython().set_custom_exc((ZeroDivisionError,), handler)",
              "len(HITS) > 1, get_ipython().display_formatter.formatters['text/html'](Shown()), get_ipython().custom_exceptions",
              "(True, '<b>mine</b>', (<class 'ZeroDivisionError'>,))"),
    StateCase("variables of your own modules, unless their file was changed",
              "import pathlib; pathlib.Path('own_module.py').write_text('CONFIG = {}\\nN = 0\\n'); sys.path.append('.')\n"
              "import own_module; from own_module import CONFIG; own_module.CONFIG['a'] = 1; own_module.N = 2",
              "own_module.CONFIG, own_module.CONFIG is CONFIG, own_module.N", "({'a': 1}, True, 2)"),
    StateCase("sources of cells, for tracebacks and `inspect`", "def sourced(x):\n    return x + 1",
              "__import__('inspect').getsource(sourced)", "'def sourced(x):\\n    return x + 1\\n'"),
    StateCase("`from __future__ import`", "from __future__ import annotations",
              "bool(get_ipython().compile.flags & __import__('__future__').annotations.compiler_flag)"),
    StateCase("`%precision`, `%xmode` and `%automagic`", "%precision 3\n%xmode Minimal\n%automagic off",
              "(lambda ip: (ip.display_formatter.format(3.14159)[0]['text/plain'], ip.InteractiveTB.mode, ip.automagic))"
              "(get_ipython())", "('3.142', 'Minimal', False)"),
    StateCase("format of plots in a notebook (`%config InlineBackend.figure_format`)",
              "%matplotlib inline\n%config InlineBackend.figure_format = 'svg'",
              "__import__('matplotlib_inline.config').config.InlineBackend.instance().figure_formats", "{'svg'}"),
    StateCase("dialects of `csv`, time-out of sockets, first day of a week",
              "import csv, socket, calendar; csv.register_dialect('mine', delimiter=';'); socket.setdefaulttimeout(3); "
              "calendar.setfirstweekday(6)",
              "__import__('csv').get_dialect('mine').delimiter, __import__('socket').getdefaulttimeout(), "
              "__import__('calendar').firstweekday()", "(';', 3.0, 6)"),
    StateCase("limits of the process (`resource`), and how nice it is",
              "import os, resource; resource.setrlimit(resource.RLIMIT_NOFILE, (777, resource.getrlimit(7)[1]))"
              "; base = os.nice(0); _ = os.nice(1)",
              "__import__('resource').getrlimit(7)[0], __import__('os').nice(0) - base", "(777, 1)"),
    StateCase("functions and classes that you gave to Python: `sys.meta_path`, `builtins`, numpy's `seterrcall`",
              "import sys, builtins, numpy as np\nclass Finder:\n    @staticmethod\n    def find_spec(*a): return None\n"
              "sys.meta_path.insert(0, Finder)\ndef called(*a): pass\nbuiltins.everywhere = called; np.seterrcall(called)",
              "__import__('sys').meta_path[0] is Finder, everywhere is called, __import__('numpy').geterrcall() is called",
              "(True, True, True)"),
    StateCase("functions for errors of codecs, and codecs (`codecs.register_error`, `codecs.register`)",
              "import codecs\ndef skips(e): return ('?', e.end)\ncodecs.register_error('mine', skips)\n"
              "codecs.register(lambda name: codecs.lookup('utf-8') if name == 'mycodec' else None)",
              "b'\\xff'.decode('ascii', 'mine'), 'a'.encode('mycodec')", "('?', b'a')"),
    StateCase("types of files (`mimetypes.add_type`), names of levels of `logging`, `logging.disable`",
              "import mimetypes, logging; mimetypes.add_type('text/x-mine', '.mine'); logging.addLevelName(5, 'FINE'); "
              "logging.disable(7)",
              "__import__('mimetypes').guess_type('a.mine')[0], __import__('logging').getLevelName(5), "
              "__import__('logging').root.manager.disable", "('text/x-mine', 'FINE', 7)"),
    StateCase("colormaps and styles of matplotlib that were registered",
              "import matplotlib as mpl, matplotlib.style; from matplotlib.colors import ListedColormap\n"
              "mpl.colormaps.register(ListedColormap(['red', 'blue'], name='mine'))\n"
              "mpl.style.library['mine'] = {'lines.linewidth': 3}",
              "__import__('matplotlib').colormaps['mine'].N, "
              "__import__('matplotlib.style').style.library['mine']['lines.linewidth']", "(2, 3)"),
    StateCase("hooks: `sys.unraisablehook`, `sys.breakpointhook`, `threading.excepthook`, `warnings.showwarning`",
              "import sys, threading, warnings\ndef hook(*a, **k): pass\nsys.unraisablehook = sys.breakpointhook = hook\n"
              "threading.excepthook = warnings.showwarning = hook",
              "__import__('sys').unraisablehook is __import__('sys').breakpointhook is __import__('threading').excepthook "
              "is __import__('warnings').showwarning is hook"),
    StateCase("what you gave to tables of modules, as by `copyreg.pickle`, `sqlite3.register_converter`, `gc.callbacks`",
              "import copyreg, gc, shutil, sqlite3\nclass Listed: pass\ndef reduced(o): return Listed, ()\n"
              "copyreg.pickle(Listed, reduced)\nsqlite3.register_converter('mine', lambda b: b)\n"
              "def collected(*a): pass\ngc.callbacks.append(collected)\n"
              "shutil.register_archive_format('mine', lambda *a: None)",
              "__import__('copyreg').dispatch_table[Listed] is reduced, 'MINE' in __import__('sqlite3').converters, "
              "collected in __import__('gc').callbacks, 'mine' in dict(__import__('shutil').get_archive_formats())",
              "(True, True, True, True)"),
    StateCase("classes that you registered with `collections.abc` and with pandas",
              "import collections.abc\nclass Like: pass\n_ = collections.abc.Sequence.register(Like)\n"
              "from pandas.api.extensions import register_extension_dtype, ExtensionDtype\n@register_extension_dtype\n"
              "class OwnType(ExtensionDtype):\n    name = 'mine'\n    type = object\n",
              "isinstance(Like(), __import__('collections.abc').abc.Sequence), "
              "type(__import__('pandas').api.types.pandas_dtype('mine')) is OwnType", "(True, True)"),
    StateCase("functions by which pandas and numpy print",
              "import pandas as pd, numpy as np; pd.set_option('display.float_format', lambda v: 'F')\n"
              "np.set_printoptions(formatter={'float': lambda v: 'G'})",
              "__import__('pandas').get_option('display.float_format')(1), str(__import__('numpy').array([1.0]))",
              "('F', '[G]')"),
    StateCase("filters, factory and class of `logging`",
              "import logging\ndef lets(r): return True\nlogging.getLogger('f').addFilter(lets)\n"
              "class OwnLogger(logging.Logger): pass\nlogging.setLoggerClass(OwnLogger)\n"
              "def record(*a, **k): return logging.LogRecord(*a, **k)\nlogging.setLogRecordFactory(record)",
              "lets in __import__('logging').getLogger('f').filters, __import__('logging').getLoggerClass() is OwnLogger, "
              "__import__('logging').getLogRecordFactory() is record", "(True, True, True)"),
    StateCase("`sys.argv`, `sys.tracebacklimit`, `tempfile.tempdir`, `threading.stack_size`, `faulthandler`",
              "import faulthandler, sys, tempfile, threading; sys.argv = ['a', 'b']; sys.tracebacklimit = 3\n"
              "tempfile.tempdir = '/var/tmp'; threading.stack_size(2 ** 20); faulthandler.disable()",
              "__import__('sys').argv, __import__('sys').tracebacklimit, __import__('tempfile').gettempdir(), "
              "__import__('threading').stack_size(), __import__('faulthandler').is_enabled()",
              "(['a', 'b'], 3, '/var/tmp', 1048576, False)"),
    StateCase("names of encodings, name spaces of XML, lengths of `reprlib`, the context of HTTPS",
              "import encodings.aliases, reprlib, ssl, xml.etree.ElementTree as tree\n"
              "encodings.aliases.aliases['mine'] = 'utf_8'; tree.register_namespace('m', 'urn:mine'); reprlib.aRepr.maxlist = 3\n"
              "ssl._create_default_https_context = ssl._create_unverified_context",
              "'a'.encode('mine'), __import__('xml.etree.ElementTree').etree.ElementTree._namespace_map['urn:mine'], "
              "__import__('reprlib').aRepr.maxlist, __import__('ssl')._create_default_https_context.__name__",
              "(b'a', 'm', 3, '_create_unverified_context')"),
    StateCase("`%config`, `%pdb`, `%colors`, `%alias_magic`, and classes of magics",
              "%config IPCompleter.greedy = True\n%pdb on\n%colors NoColor\n%alias_magic often timeit\n"
              "from IPython.core.magic import Magics, magics_class, line_magic\n@magics_class\nclass Own(Magics):\n"
              "    @line_magic\n    def thrice(self, line): return line * 3\nget_ipython().register_magics(Own)",
              "(lambda ip: (ip.Completer.greedy, ip.call_pdb, ip.colors.lower(), 'often' in ip.magics_manager.magics['line'], "
              "ip.run_line_magic('thrice', 'ab')))(get_ipython())", "(True, True, 'nocolor', True, 'ababab')"),
    StateCase("handlers of signals, and which are ignored or blocked",
              "import signal\ndef on_usr1(*a): pass\n_ = signal.signal(signal.SIGUSR1, on_usr1)\n"
              "_ = signal.signal(signal.SIGUSR2, signal.SIG_IGN); _ = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGURG})",
              "(lambda s: (s.getsignal(s.SIGUSR1) is on_usr1, s.getsignal(s.SIGUSR2).name, s.SIGURG in s.pthread_sigmask(0, ())))"
              "(__import__('signal'))", "(True, 'SIG_IGN', True)"),
    StateCase("what answers for errors of asyncio, and for messages of widgets (comms)",
              "import asyncio\ndef answers(*a): pass\nasyncio.get_running_loop().set_exception_handler(answers)\n"
              "get_ipython().kernel.comm_manager.register_target('mine', answers)",
              "__import__('asyncio').get_running_loop().get_exception_handler() is answers, "
              "get_ipython().kernel.comm_manager.targets['mine'] is answers", "(True, True)"),
    StateCase("what you set in modules and classes of others, as by `math.tau2 = 3`, and in their tables",
              "import argparse, fractions, functools, math, string\nmath.tau2 = 3; "
              "string.digits, math.root = '01', math.cbrt\n"
              "argparse.ArgumentParser.mine = [1]; setattr(math, 'half', fractions.Fraction(1, 2))\n"
              "import builtins; builtins.LIMIT = 5; builtins.says = functools.partial(print, sep='-')\n"
              "import http.server as served; served.SimpleHTTPRequestHandler.extensions_map['.mine'] = 'text/mine'\n"
              "def patch():\n    import textwrap as wrapping\n    wrapping.mine = {'a': 1}\npatch()",
              "(lambda m, a, s, t, h: (m.tau2, s.digits, m.root(8), a.ArgumentParser.mine, m.half, LIMIT, says.keywords, t.mine, "
              "h.server.SimpleHTTPRequestHandler.extensions_map['.mine']))"
              "(*map(__import__, ('math', 'argparse', 'string', 'textwrap', 'http.server')))",
              "(3, '01', 2.0, [1], Fraction(1, 2), 5, {'sep': '-'}, {'a': 1}, 'text/mine')"),
    StateCase("how `multiprocessing` starts processes, domains of `gettext`, `copyreg.add_extension`, `sys.setdlopenflags`",
              "import multiprocessing, gettext, copyreg, sys; multiprocessing.set_start_method('spawn', force=True)\n"
              "gettext.textdomain('mine'); copyreg.add_extension('fractions', 'Fraction', 77); sys.setdlopenflags(258); None",
              "(lambda m, g, c, s: (m.get_start_method(), g.textdomain(), c._extension_registry, s.getdlopenflags()))"
              "(*map(__import__, ('multiprocessing', 'gettext', 'copyreg', 'sys')))",
              "('spawn', 'mine', {('fractions', 'Fraction'): 77}, 258)"),
    StateCase("how asyncio's loop and tasks are made, and its debugging",
              "import asyncio; loop = asyncio.get_running_loop(); loop.set_debug(True); loop.slow_callback_duration = 3\n"
              "def makes(loop, coroutine, **more): return asyncio.Task(coroutine, loop=loop, **more)\n"
              "loop.set_task_factory(makes)\n"
              "class Policy(asyncio.DefaultEventLoopPolicy): pass\nasyncio.set_event_loop_policy(Policy()); del loop",
              "(lambda a: (a.get_running_loop().get_debug(), a.get_running_loop().slow_callback_duration, "
              "a.get_running_loop().get_task_factory() is makes, type(a.get_event_loop_policy()) is Policy))"
              "(__import__('asyncio'))",
              "(True, 3, True, True)"),
    StateCase("what completes code, and folders of `%pushd`",
              "def completes(self, text): return ['mine']\nget_ipython().set_custom_completer(completes)\n"
              "def after_words(self, event): return ['mine']\n"
              "get_ipython().set_hook('complete_command', after_words, str_key='%mine')\n"
              "%pushd /usr\n%popd\n%pushd /var\n%cd -q -",
              "[getattr(m, '__func__', None) for m in get_ipython().Completer.custom_matchers].count(completes), "
              "'%mine' in get_ipython().strdispatchers['complete_command'].strs, len(get_ipython().dir_stack)", "(1, True, 1)"),
    StateCase("`umask`", "import os; os.umask(0o027)", "__import__('os').umask(0o022)", "23"),
    StateCase("settings of `gc`", "import gc; gc.disable(); gc.set_debug(gc.DEBUG_UNCOLLECTABLE)",
              "__import__('gc').isenabled(), __import__('gc').get_debug()", "(False, 4)"),
    StateCase("profilers, debuggers and `tracemalloc`", "import tracemalloc; tracemalloc.start()", named="tracemalloc"),
    StateCase("timers, and threads that serve",
              "import threading, time\nthreading.Timer(600, print).start()\n"
              "threading.Thread(target=time.sleep, args=(600,), daemon=True, name='waits').start()", named="waits"),
    StateCase("threads",
              "import threading, time\ndef work(): time.sleep(600)\nthreading.Thread(target=work, name='mine').start()",
              named="mine"),
    StateCase("processes that the kernel started",
              "import subprocess; subprocess.Popen(['sleep', '601']); None", named="sleep 601"),
    StateCase("tasks of asyncio",
              "import asyncio\nasync def later(): await asyncio.sleep(600)\n_ = asyncio.get_running_loop().create_task(later())",
              named="later"),
    StateCase("open files", "opened = open('x', 'w')", named="opened"),
    StateCase("open files that have no object", "import os; number = os.open('numbered.txt', os.O_CREAT | os.O_WRONLY)",
              named="numbered.txt"),
    StateCase("`%logstart`", "%logstart -q typed.log", named="typed.log"),
    StateCase("what asyncio was to call: `call_later`, `add_reader`, `add_signal_handler`",
              "import asyncio\ndef awaited(): pass\n_ = asyncio.get_running_loop().call_later(6000, awaited)\n_ = None",
              named="awaited"),
    StateCase("functions for the end of an object (`weakref.finalize`)",
              "import weakref\nclass Ends: pass\nends = Ends()\ndef ended(): pass\n_ = weakref.finalize(ends, ended); _ = None",
              named="weakref.finalize ended"),
    StateCase("`sys.addaudithook`, `os.register_at_fork`, `faulthandler.register`, where a cell calls them",
              "import os; os.register_at_fork(before=lambda: None)", named="register_at_fork"),
    StateCase("`zoneinfo.reset_tzpath`, `email.charset.add_charset`, where a cell calls them",
              "import zoneinfo, email.charset; zoneinfo.reset_tzpath(['/usr/share/zoneinfo'])\n"
              "email.charset.add_charset('own', email.charset.BASE64)", named="reset_tzpath"),
    StateCase("temporary folders of `tempfile`", "import tempfile; temporary = tempfile.TemporaryDirectory()", named="temporary"),
    StateCase("functions for the end (`atexit`)", "import atexit\ndef at_end(): pass\n_ = atexit.register(at_end)",
              named="atexit at_end"),
    StateCase("timers of the process (`signal.alarm`)", "import signal; _ = signal.alarm(6000)", named="ITIMER_REAL"),
    StateCase("`urllib.request.install_opener`",
              "import urllib.request as r; o = r.build_opener(); o.addheaders = [('User-agent', 'mine')]; r.install_opener(o)",
              named="urllib.request"),
    StateCase("what is printed, where it goes elsewhere (`sys.stdout`)", "import io, sys; sys.stderr = io.StringIO()",
              named="sys.stderr"),
    StateCase("functions of modules that were replaced",
              "import math\ndef mine(x): return 0\nmath.sqrt = mine", named="math.sqrt"),
    StateCase("what you gave to classes of modules, as an accessor of pandas",
              "import pandas as pd\n@pd.api.extensions.register_dataframe_accessor('own')\nclass Own:\n"
              "    def __init__(self, frame): pass\npd.Series.doubled = property(lambda self: self * 2)", named="DataFrame.own"),
)  # fmt: skip
