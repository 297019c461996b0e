/**
 * A process that migrates with the built library. argv[2] is the JSON of the options. It waits for a
 * message, and tells its parent the versions before and after.
 */
import { migrate } from '../../dist/postgres.js';

const options = JSON.parse(process.argv[2] ?? '{}');

async function answer() {
  try {
    process.send?.(await migrate(options));
  } catch (error) {
    process.send?.({ error: String(error) });
  }
  process.disconnect();
}

process.once('message', () => void answer());
process.send?.('ready');
