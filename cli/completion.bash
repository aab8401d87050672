
# Of a plan: its own options, as it tells them itself.
_lgen_plan_options() {
  "$1" "$2" --help 2>/dev/null </dev/null | sed -n '/^Plan:/,/^$/s/^  \(--[A-Za-z0-9_-]*\).*/\1/p'
}

# What compgen says, a line each: names of files may have spaces.
_lgen_offer() {
  local word
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen "$@")
}

# Files are quoted and folders go on; a word that ends in '=' has its value behind it.
_lgen_files() {
  compopt -o filenames 2>/dev/null
  _lgen_offer "$@"
}

_lgen_words() {
  _lgen_offer -W "$1" -- "$2"
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi
}

_lgen() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} plan kind options
  COMPREPLY=()
  if [[ $cur == "=" ]]; then cur=
  elif [[ $prev == "=" ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
  if [[ $COMP_CWORD -eq 1 && $cur != -* ]]; then
    _lgen_words "$_lgen_commands" "$cur"
    _lgen_offer -f -X '!*.lua' -- "$cur"
    if compgen -d -- "$cur" >/dev/null; then _lgen_files -d -- "$cur"; fi
    return
  fi
  [[ " $_lgen_commands " == *" $command "* ]] || command=run
  if [[ $prev == -* ]]; then
    prev=${prev#-}
    kind=$(_lgen_value "$command ${prev#-}")
    case $kind in
      file) _lgen_files -f -- "$cur"; return ;;
      folder) _lgen_files -d -- "$cur"; return ;;
      words*) _lgen_words "${kind#words}" "$cur"; return ;;
    esac
  fi
  if [[ $cur == -* ]]; then
    options=$(_lgen_options "$command")
    plan=${COMP_WORDS[1]}
    if [[ $plan == run ]]; then plan=${COMP_WORDS[2]}; fi
    if [[ $command == run && $plan == *.lua ]]; then
      options+=" $(_lgen_plan_options "${COMP_WORDS[0]}" "$plan")"
    fi
    _lgen_words "$options" "$cur"
    return
  fi
  if [[ $COMP_CWORD -eq 2 ]]; then _lgen_words "$(_lgen_operands "$command")" "$cur"; fi
  if _lgen_takes_files "$command" || [[ ${COMP_WORDS[COMP_CWORD-1]} == "=" ]]; then _lgen_files -f -- "$cur"; fi
}

complete -F _lgen lgen
