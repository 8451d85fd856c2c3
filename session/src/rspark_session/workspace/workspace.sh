# Saves what bash has into a folder, or restores it: `. workspace.sh save FOLDER`, `. workspace.sh restore FOLDER`.
#
# Variables, functions, aliases, completions, options, limits, keys and the directory stack are written as bash itself writes them, and
# read as code. Of the environment, and of limits, only what was changed since the start is saved, so that nothing overwrites what
# the new session sets. Running commands and open files end, and are named.
# It runs in a person's shell, behind their back: all its own names begin with __rspark, and are removed at the end. A person's
# aliases and functions may have the names of commands, builtins may be disabled, variables be constants, `PATH` lead nowhere, and
# their options forbid what a script does: none of it counts here. What a sourced file has of its own, its caller saves and
# restores in the folder's file `caller` (`rspark_session.jupyter.snapshot`): traps and positional parameters; and a function
# `builtin`, which all that is read would call.

# A function `builtin` is lifted. Only POSIX's mode has `unset` found before functions; it leaves options as it likes them.
if __rspark_builtin=$(POSIXLY_CORRECT=; \unset -f declare; \declare -pf builtin 2>/dev/null); then
  if [[ :$SHELLOPTS: == *:posix:* ]]; then
    \unset -f builtin
  else
    __rspark_options=:$BASHOPTS:
    POSIXLY_CORRECT=
    \unset -f builtin
    \unset -v POSIXLY_CORRECT
    [[ $__rspark_options == *:inherit_errexit:* ]] || \builtin shopt -u inherit_errexit
    [[ $__rspark_options != *:expand_aliases:* ]] || \builtin shopt -s expand_aliases
    \builtin unset -v __rspark_options
  fi
fi

__rspark_keywords=
if [[ $- == *k* ]]; then # what looks like an assignment would be none of a command's words
  \builtin set +k
  __rspark_keywords='\builtin set -k'
fi
__rspark_disabled=$(\builtin enable -n)
\builtin eval "${__rspark_disabled//enable -n/\\builtin enable}"
\builtin eval "__rspark_aliases=\$(\builtin shopt -p expand_aliases || :)"
\builtin shopt -u expand_aliases
__rspark_folder=$2
__rspark_words=$IFS

__rspark_json() {
  local __rspark_text=${1//\\/\\\\}
  __rspark_text=${__rspark_text//\"/\\\"}
  builtin printf '"%s"' "${__rspark_text//[[:cntrl:]]/ }"
}

__rspark_counted() { # how many variables the state has
  builtin command -p sed -n 's/^# \([0-9]*\)$/\1/p' "$__rspark_folder/state.sh" | builtin command -p tail -n 1
}

__rspark_report() { # file, objects, lost
  builtin printf '{"language": "bash", "objects": %d, "bytes": %d, "lost": [%s]}' \
    "$2" "$(builtin command -p cat "$__rspark_folder"/state.sh | builtin command -p wc -c)" "$3" >| "$__rspark_folder/.report" &&
    builtin command -p mv "$__rspark_folder/.report" "$__rspark_folder/$1"
}

__rspark_variables() {
  local __rspark_name __rspark_start __rspark_count=0
  declare -A __rspark_start=()
  while IFS= builtin read -r -d '' __rspark_name; do
    __rspark_start[${__rspark_name%%=*}]=${__rspark_name#*=}
  done < "/proc/$$/environ"
  while IFS= builtin read -r __rspark_name; do
    case $__rspark_name in
      BASH | BASHOPTS | BASHPID | BASH_A[LR]* | BASH_C[MO]M* | BASH_EX* | BASH_L* | BASH_REMATCH | BASH_S[OU]* | BASH_VERS*) continue ;;
      COLUMNS | COMP_CWORD | COMP_KEY | COMP_LINE | COMP_POINT | COMP_TYPE | COMP_WORDS | DIRSTACK | EPOCHREALTIME) continue ;;
      EPOCHSECONDS | EUID | FUNCNAME | GROUPS | HISTCMD | HISTFILE | HOSTNAME | HOSTTYPE | IFS | LINENO | LINES | MACHTYPE) continue ;;
      OPTARG | OPTERR | OPTIND | OSTYPE | PIPESTATUS | PPID | PROMPT_COMMAND | PROMPT_DIRTRIM | PS[0-2] | PWD | RANDOM) continue ;;
      READLINE_[ALMP]* | SECONDS | SHELL | SHELLOPTS | SHLVL | SRANDOM | TERM | UID | _ | __rspark* | PAGER) continue ;;
    esac
    [[ -v __rspark_start[$__rspark_name] && ${!__rspark_name} == "${__rspark_start[$__rspark_name]}" ]] && continue
    builtin declare -p "$__rspark_name" 2>/dev/null && __rspark_count=$((__rspark_count + 1))
  done < <(builtin compgen -v)
  for __rspark_name in "${!__rspark_start[@]}"; do # what was removed, where the new session sets it to the same
    [[ $__rspark_name =~ ^[A-Za-z_][A-Za-z0-9_]*$ && ! -v $__rspark_name && -z $(builtin declare -p "$__rspark_name" 2>/dev/null) ]] &&
      builtin printf '[[ ${%s-} != %q ]] || unset -v %s\n' "$__rspark_name" "${__rspark_start[$__rspark_name]}" "$__rspark_name"
  done
  while IFS= builtin read -r __rspark_name; do # what was declared and has no value
    [[ $__rspark_name =~ ^declare\ -[A-Za-z-]+\ ([A-Za-z_][A-Za-z0-9_]*)$ && ${BASH_REMATCH[1]} != __rspark* && 
      $(builtin declare -p "${BASH_REMATCH[1]}" 2>/dev/null) == "$__rspark_name" ]] && builtin printf '%s\n' "$__rspark_name"
  done < <(builtin declare -p)
  builtin printf '# %d\n' "$__rspark_count"
}

__rspark_limits() { # those that who started the shell has otherwise, and how much nicer it is
  local __rspark_line __rspark_option __rspark_own __rspark_others
  while IFS= builtin read -r __rspark_line; do
    case $__rspark_line in
      'Max cpu time '*) __rspark_option=t ;;
      'Max file size '*) __rspark_option=f ;;
      'Max data size '*) __rspark_option=d ;;
      'Max stack size '*) __rspark_option=s ;;
      'Max core file size '*) __rspark_option=c ;;
      'Max resident set '*) __rspark_option=m ;;
      'Max processes '*) __rspark_option=u ;;
      'Max open files '*) __rspark_option=n ;;
      'Max locked memory '*) __rspark_option=l ;;
      'Max address space '*) __rspark_option=v ;;
      'Max file locks '*) __rspark_option=x ;;
      'Max pending signals '*) __rspark_option=i ;;
      'Max msgqueue size '*) __rspark_option=q ;;
      *) continue ;;
    esac
    builtin command -p grep -q -x -F -e "$__rspark_line" "/proc/$PPID/limits" && continue
    builtin printf 'builtin ulimit -S -%s %s\n' "$__rspark_option" "$(builtin ulimit -S "-$__rspark_option")"
  done < "/proc/$$/limits"
  __rspark_own=$(< "/proc/$$/stat") __rspark_others=$(< "/proc/$PPID/stat")
  builtin read -r -a __rspark_own <<< "${__rspark_own##*) }"
  builtin read -r -a __rspark_others <<< "${__rspark_others##*) }"
  [[ ${__rspark_own[16]} -le ${__rspark_others[16]} ]] || builtin printf 'builtin command -p renice %d -p $$ > /dev/null\n' "${__rspark_own[16]}"
}

__rspark_places() { # the directory stack, and commands that are not found where the path says
  local __rspark_line __rspark_words __rspark_number
  for ((__rspark_number = ${#DIRSTACK[@]} - 1; __rspark_number > 0; __rspark_number--)); do
    builtin printf 'builtin pushd -n %q > /dev/null\n' "${DIRSTACK[__rspark_number]}"
  done
  builtin hash -l 2>/dev/null | while IFS= builtin read -r __rspark_line; do
    [[ $__rspark_line == 'builtin hash -p '* ]] || continue
    builtin eval "__rspark_words=(${__rspark_line#builtin hash -p })"
    [[ ${__rspark_words[0]##*/} == "${__rspark_words[1]}" && :$PATH: == *":${__rspark_words[0]%/*}:"* ]] || builtin printf '%s\n' "$__rspark_line"
  done
}

__rspark_typed() { # what was typed, and what keys do
  local __rspark_key __rspark_work __rspark_line
  builtin history -w "$__rspark_folder/.history" &&
    builtin command -p sed '/workspace\.sh.* \(save\|restore\) /d' "$__rspark_folder/.history" >| "$__rspark_folder/history"
  builtin command -p rm -f "$__rspark_folder/.history"
  builtin bind -psv >| "$__rspark_folder/keys" 2>/dev/null # all are read by `bind -f`
  builtin bind -X 2>/dev/null | while IFS= builtin read -r __rspark_line; do
    __rspark_key=${__rspark_line%%'": "'*} __rspark_work=${__rspark_line#*'": "'} # commands are shown in quotes, and taken without
    __rspark_work=${__rspark_work%\"} __rspark_work=${__rspark_work//\\\"/\"}
    builtin printf 'builtin bind -x %q 2>/dev/null\n' "$__rspark_key\": ${__rspark_work//\\\\/\\}"
  done
}

__rspark_lost() { # name, class, why
  builtin printf '%s{"name": %s, "class": "%s", "why": "%s"}' "$__rspark_separator" "$(__rspark_json "$1")" "$2" "$3"
  __rspark_separator=', '
}

__rspark_all_lost() {
  local __rspark_separator='' __rspark_line __rspark_pid __rspark_own __rspark_target __rspark_stat
  while builtin read -r __rspark_line; do
    __rspark_line=${__rspark_line#*  } # without its number and its state
    __rspark_line=${__rspark_line#Running}
    __rspark_line=${__rspark_line#Stopped}
    __rspark_lost "${__rspark_line#"${__rspark_line%%[! ]*}"}" job 'It is a command that runs. Start it again.'
  done < <(builtin jobs -r; builtin jobs -s)
  # Commands that the shell has forgotten (`disown`), and no copy of it, as what writes this is.
  __rspark_own=$(builtin command -p tr '\0' ' ' < "/proc/$$/cmdline")
  for __rspark_pid in /proc/[0-9]*; do
    __rspark_pid=${__rspark_pid#/proc/}
    { __rspark_stat=$(< "/proc/$__rspark_pid/stat"); } 2>/dev/null || continue
    builtin read -r -a __rspark_stat <<< "${__rspark_stat##*) }" # state, parent, group, session
    [[ ${__rspark_stat[1]} == "$$" ]] || continue
    __rspark_line=$(builtin command -p tr '\0' ' ' < "/proc/$__rspark_pid/cmdline" 2>/dev/null)
    [[ -z $__rspark_line || $__rspark_line == "$__rspark_own" || " $__rspark_jobs " == *" $__rspark_pid "* ]] ||
      __rspark_lost "${__rspark_line% }" program 'It is a command that runs. Start it again.'
  done
  for __rspark_line in "${__rspark_descriptors[@]}"; do
    __rspark_target=$(builtin command -p readlink "$__rspark_line") || continue
    [[ ${__rspark_line##*/} -gt 2 ]] || continue
    case $__rspark_target in
      /dev/* | /proc/* | "${BASH_SOURCE[0]}") continue ;;
      /*) __rspark_lost "$__rspark_target (${__rspark_line##*/})" 'open file' 'It is an open file. Open it again with exec.' ;;
      socket:* | pipe:*)
        __rspark_lost "${__rspark_target%%:*} (${__rspark_line##*/})" connection 'It is an open connection. Open it again with exec.' ;;
    esac
  done
}

__rspark_functions() {
  builtin declare -F | while builtin read -r _ __rspark_flags __rspark_name; do
    [[ $__rspark_name == __rspark_* ]] && continue
    builtin declare -f "$__rspark_name"
    [[ $__rspark_flags == *x* ]] && builtin printf 'export -f %q\n' "$__rspark_name"
    [[ $__rspark_flags == *t* ]] && builtin printf 'declare -ft %q\n' "$__rspark_name"
    [[ $__rspark_flags == *r* ]] && builtin printf 'readonly -f %q\n' "$__rspark_name"
  done
}

__rspark_save() {
  local IFS=$' \t\n' __rspark_jobs __rspark_descriptor __rspark_descriptors=()
  for __rspark_descriptor in "/proc/$$/fd"/*; do # before there are those of what writes this
    [[ -e $__rspark_descriptor ]] && __rspark_descriptors+=("$__rspark_descriptor")
  done
  __rspark_jobs=$(builtin jobs -p)
  __rspark_jobs=${__rspark_jobs//$'\n'/ }
  builtin command -p rm -f "$__rspark_folder"/{manifest,failed}.json
  {
    __rspark_variables >| "$__rspark_folder/state.sh" && {
      builtin shopt -p extglob # functions are read by it
      __rspark_functions
      builtin alias -p
      builtin complete -p
      builtin umask -p
      __rspark_limits
      __rspark_places
      __rspark_typed
      builtin printf 'OPTIND=%q OPTERR=%q SECONDS=%q\n' "$OPTIND" "$OPTERR" "$SECONDS"
      [[ ! -v OPTARG ]] || builtin printf 'OPTARG=%q\n' "$OPTARG"
      # shellcheck disable=SC2016  (it is written, and read later)
      builtin shopt -p | builtin command -p sed "s/^shopt -[su] expand_aliases\$/$__rspark_aliases/"
      builtin set +o | builtin command -p grep -v -e history -e emacs -e ' vi$' -e monitor
      builtin printf '__rspark_keywords=%q\n' "$__rspark_keywords"
      builtin printf '__rspark_disabled=%q\n' "$__rspark_disabled"
      builtin printf 'IFS=%q\n' "$__rspark_words"
    } >> "$__rspark_folder/state.sh"
  } && builtin command -p sync "$__rspark_folder/state.sh" &&
    __rspark_report manifest.json "$(__rspark_counted)" \
      "$(__rspark_all_lost)" ||
    builtin printf '{"why": "There is no space for it on the disk, or it cannot be written"}' >| "$__rspark_folder/failed.json"
}

if [[ $1 == save ]]; then
  __rspark_save
else
  builtin command -p rm -f "$__rspark_folder"/{restored,failed}.json
  # shellcheck disable=SC1091  (what was saved)
  . "$__rspark_folder/state.sh" 2>| "$__rspark_folder/.problems"
  if [[ -s $__rspark_folder/history ]]; then
    \builtin history -c
    \builtin history -r "$__rspark_folder/history"
  fi
  [[ ! -s $__rspark_folder/keys ]] || \builtin bind -f "$__rspark_folder/keys" 2>/dev/null
  __rspark_report restored.json "$(__rspark_counted)" \
    "$(builtin command -p sed -n 's/.*"lost": \[\(.*\)\]}$/\1/p' "$__rspark_folder/manifest.json")"
  __rspark_aliases=$(\builtin shopt -p expand_aliases || :)
fi
\builtin eval "$__rspark_aliases"
\builtin eval "$__rspark_disabled"
\builtin unset -f __rspark_json __rspark_counted __rspark_report __rspark_variables __rspark_limits __rspark_places __rspark_typed \
  __rspark_lost __rspark_all_lost __rspark_functions __rspark_save
\builtin eval "\builtin unset -v __rspark_folder __rspark_aliases __rspark_words __rspark_disabled __rspark_keywords __rspark_builtin
$__rspark_keywords
$__rspark_builtin"
