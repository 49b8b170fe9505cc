# Completion of coatcheck's commands in bash 4.4 or later; made by `coatcheck completion bash`.
_coatcheck() {
    local kind value help
    while IFS=$'\t' read -r kind value help; do
        case $kind in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            part) compopt -o nospace && COMPREPLY+=("$value") ;;
            whole) COMPREPLY+=("$value") ;;
        esac
    done < <(_COATCHECK_COMPLETE=bash_complete _COATCHECK_LINE="${COMP_LINE:0:COMP_POINT}" \
        _COATCHECK_BREAKS="$COMP_WORDBREAKS" "$1" 2>/dev/null)
}
complete -o nosort -F _coatcheck coatcheck
