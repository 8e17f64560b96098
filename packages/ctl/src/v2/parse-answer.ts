import { InvalidAnswer } from './v2-errors.ts';

/** The JSON object that an answer is. Throws `InvalidAnswer` for anything else. */
export function parseAnswer(body: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>;
  } catch {
    // Not etcd's.
  }
  throw new InvalidAnswer();
}
