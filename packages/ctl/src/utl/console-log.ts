import type { LogFields, Logger } from '@kvorum/server/offline';
import type { Host } from '../host.ts';

/** Log lines on standard error as etcdutl's: time, level, text and fields with tabs between them. */
export function consoleLog(host: Host): Logger {
  const write = (level: string) => (message: string, fields?: LogFields) => {
    const time = new Date(host.wallClock()).toISOString().replace(/\.\d+Z$/, 'Z');
    const rest = fields === undefined ? '' : `\t${fieldsText(fields)}`;
    host.stderr.write(`${time}\t${level}\t${message}${rest}\n`);
  };
  const log: Logger = {
    debugEnabled: false,
    debug: () => {},
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    named: () => log,
  };
  return log;
}

/** JSON with the spaces that zap puts into it. */
function fieldsText(fields: LogFields): string {
  const pairs = Object.entries(fields).map(([name, value]) => {
    const text = Array.isArray(value)
      ? `[${value.map((one) => JSON.stringify(one)).join(', ')}]`
      : JSON.stringify(value);
    return `${JSON.stringify(name)}: ${text}`;
  });
  return `{${pairs.join(', ')}}`;
}
