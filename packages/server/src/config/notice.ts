import type { LogFields } from '../logging/logger.ts';

/** Something to log about the configuration, kept until there is a logger (its settings are part of it). */
export interface Notice {
  readonly level: 'info' | 'warn';
  readonly message: string;
  readonly fields: LogFields;
}
