# Saves what bash has into a folder, or restores it: `. workspace.sh save FOLDER`, `. workspace.sh restore FOLDER`.
#
# Variables, functions, aliases, options and traps are written as bash itself writes them, and read as code. Of the environment only
# what was changed since the start is saved, so that nothing overwrites what the new session sets. Jobs end, and are named.
# It runs in a person's shell, behind their back: all its own names begin with __rspark, and are removed at the end.

__rspark_json() {
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  printf '"%s"' "${text//[[:cntrl:]]/ }"
}

__rspark_report() { # file, objects, lost
  printf '{"language": "bash", "objects": %d, "bytes": %d, "lost": [%s]}' \
    "$2" "$(cat "$__rspark_folder"/state.sh | wc -c)" "$3" > "$__rspark_folder/.report" &&
    mv "$__rspark_folder/.report" "$__rspark_folder/$1"
}

__rspark_variables() {
  local __rspark_name __rspark_start __rspark_count=0
  declare -A __rspark_start=()
  while IFS= read -r -d '' __rspark_name; do
    __rspark_start[${__rspark_name%%=*}]=${__rspark_name#*=}
  done < "/proc/$$/environ"
  while IFS= read -r __rspark_name; do
    case $__rspark_name in
      BASH | BASH_* | BASHOPTS | BASHPID | COLUMNS | COMP_* | DIRSTACK | EPOCH* | EUID | FUNCNAME | GROUPS | HIST* | HOST* | IFS) continue ;;
      LINENO | LINES | MACHTYPE | OLDPWD | OPT* | OSTYPE | PIPESTATUS | PPID | PROMPT_* | PS[0-4] | PWD | RANDOM | READLINE_*) continue ;;
      SECONDS | SHELL | SHELLOPTS | SHLVL | SRANDOM | TERM | UID | _ | __rspark* | PAGER) continue ;;
    esac
    [[ -v __rspark_start[$__rspark_name] && ${!__rspark_name} == "${__rspark_start[$__rspark_name]}" ]] && continue
    declare -p "$__rspark_name" 2>/dev/null && __rspark_count=$((__rspark_count + 1))
  done < <(compgen -v)
  printf '# %d\n' "$__rspark_count"
}

__rspark_jobs() {
  local line separator=
  while IFS= read -r line; do
    printf '%s{"name": %s, "class": "job", "why": "It is a command that runs. Start it again."}' \
      "$separator" "$(__rspark_json "${line#*  }")"
    separator=', '
  done < <(jobs -r; jobs -s)
}

__rspark_save() {
  rm -f "$__rspark_folder"/{manifest,failed}.json
  {
    __rspark_variables > "$__rspark_folder/state.sh" && {
      declare -f | sed '/^__rspark_[a-z]* ()/,/^}/d'
      alias -p
      shopt -p
      set +o | grep -v -e history -e emacs -e ' vi$' -e monitor
      trap -p
    } >> "$__rspark_folder/state.sh"
  } && sync "$__rspark_folder/state.sh" &&
    __rspark_report manifest.json "$(sed -n 's/^# \([0-9]*\)$/\1/p' "$__rspark_folder/state.sh" | tail -n 1)" "$(__rspark_jobs)" ||
    printf '{"why": "There is no space for it on the disk, or it cannot be written"}' > "$__rspark_folder/failed.json"
}

__rspark_folder=$2
if [[ $1 == save ]]; then
  __rspark_save
else
  rm -f "$__rspark_folder"/{restored,failed}.json
  # shellcheck disable=SC1091  (what was saved)
  . "$__rspark_folder/state.sh" 2> "$__rspark_folder/.problems"
  __rspark_report restored.json "$(sed -n 's/^# \([0-9]*\)$/\1/p' "$__rspark_folder/state.sh" | tail -n 1)" \
    "$(sed -n 's/.*"lost": \[\(.*\)\]}$/\1/p' "$__rspark_folder/manifest.json")"
fi
unset -v __rspark_folder
unset -f __rspark_json __rspark_report __rspark_variables __rspark_jobs __rspark_save
