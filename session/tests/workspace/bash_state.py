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
    Case("variables", "x='a b \"c\" $d'", 'printf %s "$x"', 'a b "c" $d'),
    Case("arrays", "a=(1 'two three'); declare -A m=([k]=v)", 'printf "%s|%s" "${a[1]}" "${m[k]}"', "two three|v"),
    Case("integers and constants", "declare -i n=5; declare -r c=7", "n+=1; echo $n $c", "6 7"),
    Case("exported variables", "export MINE=ü", "env | grep ^MINE", "MINE=ü"),
    Case("functions", "f() { echo \"f $1\"; }", "f 3", "f 3"),
    Case("exported functions", "g() { echo g; }; export -f g", "bash -c g", "g"),
    Case("environment variables that you removed", "unset LANG", "echo ${LANG-none}", "none"),
    Case("`IFS`", "IFS=,", 'words=a,b; printf "%s|" $words', "a|b|"),
    Case("completions", "complete -W 'a b' mine", "complete -p mine", "complete -W 'a b' mine"),
    Case("`umask`", "umask 027", "umask", "0027"),
    Case("aliases", "alias ll='ls -l'", "alias ll", "alias ll='ls -l'"),
    Case("options of the shell", "shopt -s globstar; set -o noclobber",
         "shopt -q globstar && set -o | grep noclobber | tr -d '[:space:]'",
         "noclobberon"),
    Case("traps", "trap 'echo bye' USR1", "trap -p USR1", "trap -- 'echo bye' SIGUSR1"),
    Case("running commands", "set -m; sleep 60 &", named="sleep 60"),
    Case("commands that the shell has forgotten (`disown`)", "sleep 61 & forgotten=$!; disown", named="sleep 61"),
    Case("open files", "exec 7> opened.txt", named="opened.txt"),
)  # fmt: skip
