"""What bash has, and what becomes of it over a sleep: cases of a test, rows of a table in the docs."""

from typing import NamedTuple


class Case(NamedTuple):
    """`made` sets it up, and it is kept where `asked` prints `answer` afterwards; else it is named."""

    what: str
    made: str
    asked: str = ""
    answer: str = ""
    named: str = ""


CASES = (
    Case("positional parameters", "set -- a 'b c'", 'echo "$# $2"', "2 b c"),
    Case("variables", "x='a b \"c\" $d'", 'printf %s "$x"', 'a b "c" $d'),
    Case("variables whose names begin as those of bash",
         "EPOCHS=10 OPTS=o HOSTS=h HISTORIES=i COMP_MINE=c BASH_MINE=b BASH_ENV=e",
         'echo "$EPOCHS$OPTS$HOSTS$HISTORIES$COMP_MINE$BASH_MINE$BASH_ENV"', "10ohicbe"),
    Case("where `getopts` is (`OPTIND`), `SECONDS`", "getopts ab: letter -a -b given; SECONDS=1000000",
         'getopts ab: letter -a -b given; echo "$letter$OPTARG $((SECONDS / 1000000))"', "bgiven 1"),
    Case("what was typed (`history`)", "set -o history; history -s typed earlier", "history | grep -c 'typed earlier'", "1"),
    Case("keys (`bind`)", """bind '"\\C-xm": "mine"' 2> /dev/null; bind -x '"\\C-xc": echo "$x"' 2> /dev/null""",
         "{ bind -s; bind -X; } 2> /dev/null", '"\\C-xm": "mine"\n"\\C-xc": "echo \\"$x\\""'),
    Case("arrays", "a=(1 'two three'); declare -A m=([k]=v)", 'printf "%s|%s" "${a[1]}" "${m[k]}"', "two three|v"),
    Case("integers and constants", "declare -i n=5; declare -r c=7", "n+=1; echo $n $c", "6 7"),
    Case("declared variables without a value, and names of others (`declare -n`)", "declare -i count; declare -n other=x",
         'count+=2; echo "$count ${other::1}"', "2 a"),
    Case("exported variables", "export MINE=ü", "env | grep ^MINE", "MINE=ü"),
    Case("functions", "f() { echo \"f $1\"; }", "f 3", "f 3"),
    Case("functions with patterns of `extglob`",
         "shopt -s extglob\nmatches() { [[ $1 == @(a|b) ]] && echo yes; }", "matches a", "yes"),
    Case("exported functions", "g() { echo g; }; export -f g", "bash -c g", "g"),
    Case("environment variables that you removed", "unset LANG", "echo ${LANG-none}", "none"),
    Case("`IFS`", "IFS=,", 'words=a,b; printf "%s|" $words', "a|b|"),
    Case("completions", "complete -W 'a b' mine", "complete -p mine", "complete -W 'a b' mine"),
    Case("`umask`", "umask 027", "umask", "0027"),
    Case("limits (`ulimit`), and how nice the shell is", "ulimit -S -n 777; renice 3 $$ > /dev/null",
         "echo $(ulimit -S -n) $(nice)", "777 3"),
    Case("directory stack, and the directory before", "cd /usr; cd - > /dev/null; pushd -n /var > /dev/null",
         'echo "$(dirs -l +1) $OLDPWD"', "/var /usr"),
    Case("places of commands (`hash -p`)", "hash -p /bin/true yes-man", "hash -t yes-man", "/bin/true"),
    Case("disabled builtins", "enable -n times", "enable -n", "enable -n times"),
    Case("prompts of `select` and `set -x`", "PS3='which? '; PS4='>> '", 'echo "$PS3$PS4"', "which? >>"),
    Case("aliases", "alias ll='ls -l'", "alias ll", "alias ll='ls -l'"),
    Case("options of the shell", "shopt -s globstar; set -o noclobber",
         "shopt -q globstar && set -o | grep noclobber | tr -d '[:space:]'",
         "noclobberon"),
    Case("traps", "trap 'echo bye' USR1; trap : DEBUG", "trap -p USR1 DEBUG", "trap -- 'echo bye' SIGUSR1\ntrap -- ':' DEBUG"),
    Case("running commands", "set -m; sleep 60 &", named="sleep 60"),
    Case("coprocesses (`coproc`)", "coproc { cat; }", named="coproc"),
    Case("commands that the shell has forgotten (`disown`)", "sleep 61 & forgotten=$!; disown", named="sleep 61"),
    Case("open files", "exec 7> opened.txt", named="opened.txt"),
    Case("open connections", "exec 8<> /dev/udp/127.0.0.1/9", named="socket"),
)  # fmt: skip
