import type { HeaderField } from './header-field.ts';

let templates = 0;

/** Fields that many messages share. Made once, at load; each connection remembers their encoding. */
export class HeaderTemplate {
  readonly fields: readonly HeaderField[];
  /** Its place in every connection's memory. */
  readonly key: number;

  constructor(fields: readonly HeaderField[]) {
    this.fields = fields;
    this.key = templates;
    templates += 1;
  }
}
