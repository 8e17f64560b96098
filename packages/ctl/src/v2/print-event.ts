import { jsonText } from '../output/go-json.ts';
import type { V2Event, V2Node } from './keys-api.ts';
import type { V2Call } from './v2-command.ts';
import { v2Globals } from './v2-globals.ts';

/** Writes what a call has done to a key, in the format of --output. */
export function printEvent(call: V2Call, event: V2Event): void {
  const format = call.globals.get(v2Globals.output);
  const lines = linesOf(event, format);
  if (lines === undefined) call.warn(`Unsupported output format: ${format}`);
  else for (const line of lines) call.writeLine(line);
}

/** The same, but nothing where only a value would be shown: directories have none. */
export function printUnlessSimple(call: V2Call, event: V2Event): void {
  if (call.globals.get(v2Globals.output) !== 'simple') printEvent(call, event);
}

function linesOf(event: V2Event, format: string): readonly string[] | undefined {
  const { action, node, prevNode, index } = event;
  switch (format) {
    case 'simple':
      if (action !== 'delete') return [node.value ?? ''];
      return [`PrevNode.Value: ${prevNode?.value ?? ''}`];
    case 'extended':
      return [
        `Key: ${node.key ?? ''}`,
        `Created-Index: ${node.createdIndex ?? 0}`,
        `Modified-Index: ${node.modifiedIndex ?? 0}`,
        ...(prevNode === undefined ? [] : [`PrevNode.Value: ${prevNode.value ?? ''}`]),
        `TTL: ${node.ttl ?? 0}`,
        `Index: ${index}`,
        ...(action === 'delete' ? [] : ['', node.value ?? '']),
      ];
    case 'json':
      return [eventJson(event)];
    default:
      return undefined;
  }
}

/** With the fields, and in the order, that etcd's client gives them. */
export function eventJson({ action, node, prevNode }: V2Event): string {
  const previous = prevNode === undefined ? 'null' : nodeJson(prevNode);
  return `{"action":${jsonText(action)},"node":${nodeJson(node)},"prevNode":${previous}}`;
}

function nodeJson(node: V2Node): string {
  const { key = '', dir = false, value = '', nodes, expiration, ttl = 0 } = node;
  const parts = [
    `"key":${jsonText(key)}`,
    ...(dir ? ['"dir":true'] : []),
    `"value":${jsonText(value)}`,
    `"nodes":${nodes === undefined ? 'null' : `[${nodes.map(nodeJson).join(',')}]`}`,
    `"createdIndex":${node.createdIndex ?? 0}`,
    `"modifiedIndex":${node.modifiedIndex ?? 0}`,
    ...(expiration === undefined ? [] : [`"expiration":${jsonText(expiration)}`]),
    ...(ttl === 0 ? [] : [`"ttl":${ttl}`]),
  ];
  return `{${parts.join(',')}}`;
}
