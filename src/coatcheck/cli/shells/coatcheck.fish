# Completion of coatcheck's commands in fish; made by `coatcheck completion fish`.
function __coatcheck_complete
    set -lx _COATCHECK_COMPLETE fish_complete
    set -lx _COATCHECK_LINE (commandline -cp | string collect)
    coatcheck 2>/dev/null | while read --local --delimiter \t kind value help
        switch $kind
            case dir
                __fish_complete_directories (commandline -ct)
            case file
                __fish_complete_path (commandline -ct)
            case part whole
                printf '%s\t%s\n' $value $help
        end
    end
end
complete --command coatcheck --no-files --arguments '(__coatcheck_complete)'
