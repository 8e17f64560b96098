import type { Logger } from '@kvorum/server';

/** One line of a log. */
interface Line {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Keeps what is logged, of all levels. */
export class MemoryLog implements Logger {
  readonly debugEnabled = false;
  readonly lines: Line[] = [];

  debug(): void {}

  info(message: string, fields = {}): void {
    this.lines.push({ message, fields });
  }

  warn(message: string, fields = {}): void {
    this.lines.push({ message, fields });
  }

  error(message: string, fields = {}): void {
    this.lines.push({ message, fields });
  }

  named(): Logger {
    return this;
  }

  /** The fields of all lines with this message. */
  fieldsOf(message: string): Readonly<Record<string, unknown>>[] {
    return this.lines.filter((line) => line.message === message).map(({ fields }) => fields);
  }
}
