#!/usr/bin/env node
import { versionText } from './version.ts';

// The short questions of scripts and people are answered about as fast as Node starts: next to nothing is loaded.
const args = process.argv.slice(2);
const question = args.length === 1 ? (args[0] ?? '') : '';

// A reader that closes early (`--help | head`) is no error.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

if (/^--?version$/.test(question)) {
  process.stdout.write(versionText());
} else if (/^(-h|--?help)$/.test(question)) {
  const { printHelp } = await import('./config/help.ts');
  printHelp(process.stderr, process.stdout);
} else {
  const { tuneCollector } = await import('./collector.ts');
  tuneCollector();
  const { runProgram } = await import('./program.ts');
  process.exit(await runProgram(args));
}
