# Saves what bash has into a folder, or restores it: `. workspace.sh save FOLDER`, `. workspace.sh restore FOLDER`.
#
# Variables, functions, aliases, completions, options and traps are written as bash itself writes them, and read as code. Of the
# environment only what was changed since the start is saved, so that nothing overwrites what the new session sets. Running
# commands and open files end, and are named.
# It runs in a person's shell, behind their back: all its own names begin with __rspark, and are removed at the end. A person's
# aliases and functions may have the names of commands, and their options forbid what a script does: neither counts here.

\builtin eval "__rspark_aliases=\$(\builtin shopt -p expand_aliases || :)"
\builtin shopt -u expand_aliases
__rspark_folder=$2
__rspark_words=$IFS

__rspark_json() {
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  builtin printf '"%s"' "${text//[[:cntrl:]]/ }"
}

__rspark_report() { # file, objects, lost
  builtin printf '{"language": "bash", "objects": %d, "bytes": %d, "lost": [%s]}' \
    "$2" "$(command cat "$__rspark_folder"/state.sh | command wc -c)" "$3" >| "$__rspark_folder/.report" &&
    command mv "$__rspark_folder/.report" "$__rspark_folder/$1"
}

__rspark_variables() {
  local __rspark_name __rspark_start __rspark_count=0
  declare -A __rspark_start=()
  while IFS= builtin read -r -d '' __rspark_name; do
    __rspark_start[${__rspark_name%%=*}]=${__rspark_name#*=}
  done < "/proc/$$/environ"
  while IFS= builtin read -r __rspark_name; do
    case $__rspark_name in
      BASH | BASH_* | BASHOPTS | BASHPID | COLUMNS | COMP_* | DIRSTACK | EPOCH* | EUID | FUNCNAME | GROUPS | HIST* | HOST* | IFS) continue ;;
      LINENO | LINES | MACHTYPE | OLDPWD | OPT* | OSTYPE | PIPESTATUS | PPID | PROMPT_* | PS[0-4] | PWD | RANDOM | READLINE_*) continue ;;
      SECONDS | SHELL | SHELLOPTS | SHLVL | SRANDOM | TERM | UID | _ | __rspark* | PAGER) continue ;;
    esac
    [[ -v __rspark_start[$__rspark_name] && ${!__rspark_name} == "${__rspark_start[$__rspark_name]}" ]] && continue
    builtin declare -p "$__rspark_name" 2>/dev/null && __rspark_count=$((__rspark_count + 1))
  done < <(builtin compgen -v)
  for __rspark_name in "${!__rspark_start[@]}"; do # what was removed, where the new session sets it to the same
    [[ $__rspark_name =~ ^[A-Za-z_][A-Za-z0-9_]*$ && ! -v $__rspark_name && -z $(builtin declare -p "$__rspark_name" 2>/dev/null) ]] &&
      builtin printf '[[ ${%s-} != %q ]] || unset -v %s\n' "$__rspark_name" "${__rspark_start[$__rspark_name]}" "$__rspark_name"
  done
  builtin printf '# %d\n' "$__rspark_count"
}

__rspark_lost() { # name, class, why
  builtin printf '%s{"name": %s, "class": "%s", "why": "%s"}' "$__rspark_separator" "$(__rspark_json "$1")" "$2" "$3"
  __rspark_separator=', '
}

__rspark_all_lost() {
  local __rspark_separator='' line pid own target stat
  while builtin read -r line; do
    line=${line#*  } # without its number and its state
    line=${line#Running}
    line=${line#Stopped}
    __rspark_lost "${line#"${line%%[! ]*}"}" job 'It is a command that runs. Start it again.'
  done < <(builtin jobs -r; builtin jobs -s)
  # Commands that the shell has forgotten (`disown`), and no copy of it, as what writes this is.
  own=$(command tr '\0' ' ' < "/proc/$$/cmdline")
  for pid in /proc/[0-9]*; do
    pid=${pid#/proc/}
    { stat=$(< "/proc/$pid/stat"); } 2>/dev/null || continue
    builtin read -r -a stat <<< "${stat##*) }" # state, parent, group, session
    [[ ${stat[1]} == "$$" ]] || continue
    line=$(command tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null)
    [[ -z $line || $line == "$own" || " $__rspark_jobs " == *" $pid "* ]] ||
      __rspark_lost "${line% }" program 'It is a command that runs. Start it again.'
  done
  for line in "/proc/$$/fd"/*; do
    target=$(command readlink "$line") || continue
    [[ ${line##*/} -gt 2 && $target == /* && $target != /dev/* && $target != /proc/* && $target != "${BASH_SOURCE[0]}" ]] &&
      __rspark_lost "$target (${line##*/})" 'open file' 'It is an open file. Open it again with exec.'
  done
}

__rspark_functions() {
  builtin declare -F | while builtin read -r _ flags name; do
    [[ $name == __rspark_* ]] && continue
    builtin declare -f "$name"
    [[ $flags == *x* ]] && builtin printf 'export -f %q\n' "$name"
    [[ $flags == *r* ]] && builtin printf 'readonly -f %q\n' "$name"
  done
}

__rspark_save() {
  local IFS=$' \t\n' __rspark_jobs
  __rspark_jobs=$(builtin jobs -p)
  __rspark_jobs=${__rspark_jobs//$'\n'/ }
  command rm -f "$__rspark_folder"/{manifest,failed}.json
  {
    __rspark_variables >| "$__rspark_folder/state.sh" && {
      __rspark_functions
      builtin alias -p
      builtin complete -p
      builtin umask -p
      # shellcheck disable=SC2016  (it is written, and read later)
      builtin shopt -p | command sed "s/^shopt -[su] expand_aliases\$/$__rspark_aliases/"
      builtin set +o | command grep -v -e history -e emacs -e ' vi$' -e monitor
      builtin trap -p
      builtin printf 'IFS=%q\n' "$__rspark_words"
    } >> "$__rspark_folder/state.sh"
  } && command sync "$__rspark_folder/state.sh" &&
    __rspark_report manifest.json "$(command sed -n 's/^# \([0-9]*\)$/\1/p' "$__rspark_folder/state.sh" | command tail -n 1)" \
      "$(__rspark_all_lost)" ||
    builtin printf '{"why": "There is no space for it on the disk, or it cannot be written"}' >| "$__rspark_folder/failed.json"
}

if [[ $1 == save ]]; then
  __rspark_save
else
  command rm -f "$__rspark_folder"/{restored,failed}.json
  # shellcheck disable=SC1091  (what was saved)
  . "$__rspark_folder/state.sh" 2>| "$__rspark_folder/.problems"
  __rspark_report restored.json "$(command sed -n 's/^# \([0-9]*\)$/\1/p' "$__rspark_folder/state.sh" | command tail -n 1)" \
    "$(command sed -n 's/.*"lost": \[\(.*\)\]}$/\1/p' "$__rspark_folder/manifest.json")"
  __rspark_aliases=$(\builtin shopt -p expand_aliases || :)
fi
\builtin eval "$__rspark_aliases"
unset -v __rspark_folder __rspark_aliases __rspark_words
unset -f __rspark_json __rspark_report __rspark_variables __rspark_lost __rspark_all_lost __rspark_functions __rspark_save
