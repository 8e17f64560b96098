import { type CommandEntry, completeCommand, defineCommand } from './command.ts';

/** The shells that a script can be had for. */
export const shells = ['bash', 'fish', 'zsh'] as const;
export type Shell = (typeof shells)[number];

/**
 * The row of `completion`, with a command for each shell. `names` are those that the program is installed as; the first
 * one is in the names of the script's functions.
 */
export function completionEntry(names: readonly [string, ...string[]]): CommandEntry {
  return {
    name: 'completion',
    summary: 'Generate the autocompletion script for the specified shell',
    subcommands: shells.map((shell) => ({
      name: shell,
      summary: `Generate the autocompletion script for ${shell}`,
      load: async () =>
        defineCommand({
          use: shell,
          long: `Generate the autocompletion script for ${shell}.\n\n${howToLoad(shell, names[0])}`,
          flags: {},
          run: async (invocation) => invocation.writeLine(completionScript(shell, names)),
        }),
    })),
  };
}

function howToLoad(shell: Shell, name: string): string {
  if (shell === 'fish') return `To load it: ${name} completion fish | source`;
  return `To load it: source <(${name} completion ${shell})`;
}

/** A script that asks the program itself for what could come next. Files are offered where it knows of nothing. */
export function completionScript(shell: Shell, names: readonly [string, ...string[]]): string {
  const called = `_${names[0]}_complete`;
  const all = names.join(' ');
  if (shell === 'bash') return bashScript(called, all);
  return shell === 'zsh' ? zshScript(called, all) : fishScript(called, names);
}

function bashScript(called: string, names: string): string {
  return `# bash completion for ${names}
${called}() {
  local word meaning
  COMPREPLY=()
  while IFS=$'\\t' read -r word meaning; do
    COMPREPLY+=("$word")
  done < <("\${COMP_WORDS[0]}" ${completeCommand} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  # More comes behind a slash.
  [[ \${#COMPREPLY[@]} == 1 && \${COMPREPLY[0]} == */ ]] && compopt -o nospace
}
complete -o default -F ${called} ${names}`;
}

function zshScript(called: string, names: string): string {
  return `#compdef ${names}
${called}() {
  local line
  local -a found
  for line in "\${(@f)$("\${words[1]}" ${completeCommand} "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n "$line" ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#found} )); then _describe 'candidate' found; else _files; fi
}
compdef ${called} ${names}`;
}

function fishScript(called: string, names: readonly string[]): string {
  const uses = names.map((name) => `complete -c ${name} -a '(${called})'`);
  return `# fish completion for ${names.join(' ')}
function ${called}
  set -l words (commandline -opc)
  $words[1] ${completeCommand} $words[2..-1] (commandline -ct) 2>/dev/null
end
${uses.join('\n')}`;
}
