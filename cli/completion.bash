
# Of a plan: its own options, as it tells them itself.
_lgen_plan_options() {
  "$1" "$2" --help 2>/dev/null </dev/null | sed -n 's/^  \(--[A-Za-z0-9_-]*\).*/\1/p'
}

_lgen() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} kind options
  COMPREPLY=()
  if [[ $cur == "=" ]]; then cur=
  elif [[ $prev == "=" ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
  if [[ $COMP_CWORD -eq 1 && $cur != -* ]]; then
    COMPREPLY=($(compgen -W "$_lgen_commands" -- "$cur") $(compgen -f -X '!*.lua' -- "$cur") $(compgen -d -- "$cur"))
    return
  fi
  [[ " $_lgen_commands " == *" $command "* ]] || command=run
  if [[ $prev == -* ]]; then
    prev=${prev#-}
    kind=$(_lgen_value "$command ${prev#-}")
    case $kind in
      file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
      folder) COMPREPLY=($(compgen -d -- "$cur")); return ;;
      words*) COMPREPLY=($(compgen -W "${kind#words}" -- "$cur")); return ;;
    esac
  fi
  if [[ $cur == -* ]]; then
    options=$(_lgen_options "$command")
    if [[ $command == run && ${COMP_WORDS[1]} == *.lua ]]; then
      options+=" $(_lgen_plan_options "${COMP_WORDS[0]}" "${COMP_WORDS[1]}")"
    fi
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
    return
  fi
  options=
  if [[ $COMP_CWORD -eq 2 ]]; then options=$(_lgen_operands "$command"); fi
  COMPREPLY=($(compgen -W "$options" -- "$cur") $(compgen -f -- "$cur"))
}

complete -o filenames -F _lgen lgen
