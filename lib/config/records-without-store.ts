import type { DeclaredOptions } from '../core/option-schema/option.js';
import { SETTINGS_OPTIONS } from '../options/streams-options.js';
import { CONSUMER } from './consumer-file.js';
import { keysOf } from './file-keys.js';
import { below, isEmpty, type FileEntry, type FileNode } from './file-node.js';
import type { Findings } from './findings.js';

const NEEDS_STORE =
  'needs slots.state_store, where the records of progress are kept: fill the slot, or leave this key out';

/**
 * Finds the options of `commits` of a consumer whose slot for the state store is empty. The start
 * refuses them, too, but knows no lines.
 */
export function findRecordsWithoutStore(
  consumer: FileNode,
  path: string,
  findings: Findings,
): void {
  const slots = entryOf(consumer, 'slots')?.node;
  if (slots?.is !== 'map' || entryOf(slots, 'state_store')) return;
  settersIn(consumer, CONSUMER as DeclaredOptions, path, findings);
  const behavior = entryOf(consumer, 'behavior');
  if (!behavior) return;
  settersIn(behavior.node, SETTINGS_OPTIONS as DeclaredOptions, below(path, behavior), findings);
}

function settersIn(node: FileNode, shape: DeclaredOptions, path: string, findings: Findings): void {
  const keys = keysOf(shape);
  for (const entry of node.is === 'map' ? node.entries : []) {
    const targets = keys.get(entry.key)?.targets ?? [];
    const records = targets.some((target) => target.path.includes('commits'));
    if (records && !isEmpty(entry.node)) {
      findings.add(entry.keyAt, below(path, entry), NEEDS_STORE);
    }
  }
}

const entryOf = (node: FileNode, key: string): FileEntry | undefined =>
  node.is === 'map'
    ? node.entries.find((entry) => entry.key === key && !isEmpty(entry.node))
    : undefined;
