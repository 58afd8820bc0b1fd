# TAB completion of loyalty for fish: `loyalty completion fish --install`

function __loyalty_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    command -q -- $program; or set program loyalty
    set -l lines (env _LOYALTY_COMPLETE=fish $program $words "$word" 2>/dev/null)
    switch "$lines[1]"
        case values beginnings
            set -e lines[1]
            string join \n -- $lines
        case files
            set -l option (string match -r -- '^--[a-z-]+=' "$word")
            set -l name (string replace -r -- '^--[a-z-]+=' '' "$word")
            __fish_complete_path "$name" | string replace -r -- '^' "$option"
    end
end

complete --command loyalty --no-files --arguments '(__loyalty_complete)'
