#compdef coatcheck
# Completion of coatcheck's commands in zsh; made by `coatcheck completion zsh`.
_coatcheck() {
    local kind value help
    local -a whole shown part
    while IFS=$'\t' read -r kind value help; do
        case $kind in
            dir) _path_files -/ ;;
            file) _files ;;
            part) part+=("$value") ;;
            whole) whole+=("$value") && shown+=("$value${help:+  -- $help}") ;;
        esac
    done < <(_COATCHECK_COMPLETE=zsh_complete _COATCHECK_LINE="${(j: :)words[1,CURRENT]}" "${(Q)words[1]}" 2>/dev/null)
    (( $#part )) && compadd -S '' -a part
    (( $#whole )) && compadd -l -d shown -a whole
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _coatcheck "$@"
else
    compdef _coatcheck coatcheck
fi
