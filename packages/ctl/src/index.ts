export type { Host, Input, LineEditor, LineEditorOptions, Output, SrvRecord } from './host.ts';
export { kvctlProgram } from './kvctl-program.ts';
export { kvutlProgram } from './kvutl-program.ts';
export type { Command, CommandEntry, Program } from './program/command.ts';
export { runProgram } from './program/run-program.ts';
