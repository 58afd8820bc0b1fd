# TAB completion of loyalty for bash: `loyalty completion bash --install`

_loyalty() {
    local program=${1/#\~\//$HOME/} answer line
    COMPREPLY=()
    if [[ $3 == *[\<\>] ]]; then
        compopt -o default # a file that is redirected
        return
    fi
    type -P -- "$program" >/dev/null || program=loyalty
    answer=$(_LOYALTY_COMPLETE=bash "$program" "$2" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done <<<"${answer#*$'\n'}"
    case ${answer%%$'\n'*} in
        values) ;;
        beginnings) compopt -o nospace ;;
        files)
            COMPREPLY=()
            compopt -o default
            ;;
        *) COMPREPLY=() ;;
    esac
}

complete -F _loyalty loyalty
