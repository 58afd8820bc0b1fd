# TAB completion of loyalty for PowerShell: `loyalty completion powershell`

Register-ArgumentCompleter -Native -CommandName loyalty -ScriptBlock {
    param($word, $line, $cursor)
    $before = @($line.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursor } |
        ForEach-Object {
            $isText = $_ -is [System.Management.Automation.Language.StringConstantExpressionAst]
            if ($isText) { $_.Value } else { $_.Extent.Text }
        })
    $Env:_LOYALTY_COMPLETE = 'powershell'
    $Env:_LOYALTY_WORDS = ($before + "$word") -join "`n"
    try {
        $kind, $lines = @(loyalty 2>$null)
    } finally {
        $Env:_LOYALTY_COMPLETE = $null
        $Env:_LOYALTY_WORDS = $null
    }
    if ($kind -eq 'files') {
        [System.Management.Automation.CompletionCompleters]::CompleteFilename($word)
        return
    }
    $lines | Where-Object { $_ } | ForEach-Object {
        $text, $help = $_ -split "`t", 2
        [System.Management.Automation.CompletionResult]::new(
            $text, $text, 'ParameterValue', $help)
    }
}
