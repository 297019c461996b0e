import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { fileURLToPath } from 'node:url';

/**
 * How many files and functions a message without options may pass. A feature that such a message does
 * not use should not be passed by it: `npm run way -- --list` names them all.
 */
const MOST = { files: 45, functions: 125 };

it('a message without options passes few files and functions', async () => {
  const script = fileURLToPath(new URL('../support/way-of-a-message.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--json'], {
    maxBuffer: 2 ** 24,
  });
  const { files, functions } = JSON.parse(stdout) as { files: number; functions: number };
  expect(files).toBeGreaterThan(30);
  expect(files).toBeLessThanOrEqual(MOST.files);
  expect(functions).toBeLessThanOrEqual(MOST.functions);
}, 60_000);
