import {
  systemClock,
  type Driver,
  type DriverContext,
  type DriverFactory,
} from 'nestjs-redis-streams/driver';
import { FILE_CAPABILITIES, RESUMED_CAPABILITIES } from './file.capabilities.js';
import { FileDeadLetters } from './file.dead-letters.js';
import { FILE_IDS } from './file.ids.js';
import { checkOptions, type FileOptions } from './file.options.js';
import { FileSource } from './file.source.js';
import { FileStateStore } from './file.state-store.js';
import { sharedStore } from './shared.stores.js';

// #region driver
/**
 * Keeps streams, state and dead letters in a directory, for one process at a time.
 *
 *     slots: { messageSource: file({ directory: './data' }) }
 *
 * Drivers of one process that name the same directory share its data.
 * @throws InvalidOptionsError; `open` throws DirectoryInUseError and DamagedFileError
 */
export function file(options: FileOptions): DriverFactory {
  checkOptions(options);
  return {
    technology: 'file',
    ids: FILE_IDS,
    ...(options.clock && { clock: options.clock }),
    open: (context) => open(options, context),
  };
}

function open(
  { directory, sync = true, clock = systemClock, positions }: FileOptions,
  context: DriverContext,
): Driver {
  const onRepaired = (path: string, bytes: number) =>
    context.events.emit('warning', {
      code: 'FILE_REPAIRED',
      message: `${path} ended in a line of ${bytes} bytes that a process had not finished when it died. The line was cut off.`,
    });
  const capabilities = positions === 'engine' ? RESUMED_CAPABILITIES : FILE_CAPABILITIES;
  const { store, leave } = sharedStore({ directory, sync, clock, onRepaired });
  return {
    ids: FILE_IDS,
    source: new FileSource(capabilities, store, context, leave),
    state: new FileStateStore(store, context),
    deadLetters: new FileDeadLetters(store, context),
  };
}
// #endregion
