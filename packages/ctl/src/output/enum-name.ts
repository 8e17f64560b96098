import type { DescEnum } from '@bufbuild/protobuf';

/** The name of an enum's value as in the .proto file; the number where it has none. */
export function enumName(schema: DescEnum, value: number): string {
  return schema.value[value]?.name ?? String(value);
}
