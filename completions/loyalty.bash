_loyalty_completion() {
    local IFS=$'
'
    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]}" \
                   COMP_CWORD=$COMP_CWORD \
                   _LOYALTY_COMPLETE=complete_bash $1 ) )
    if [[ ${COMPREPLY-} == *= ]]; then compopt -o nospace; fi
    return 0
}

complete -o default -F _loyalty_completion loyalty
