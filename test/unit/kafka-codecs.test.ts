import { expect, test } from 'vitest';
import type { CodecPackage } from '../../lib/drivers/kafka/compression/codec.js';
import {
  COMPRESSIONS,
  registerCodecs,
} from '../../lib/drivers/kafka/compression/register-codecs.js';

/** A package that is not installed, as Node says it. */
const missing = (name: string): CodecPackage => ({
  name,
  load: () =>
    Promise.reject(
      Object.assign(new Error(`Cannot find package '${name}' imported from /app/x.js`), {
        code: 'ERR_MODULE_NOT_FOUND',
      }),
    ),
});
const NONE = {
  snappy: missing('snappy'),
  lz4: missing('lz4-napi'),
  zstd: missing('@bokuweb/zstd-wasm'),
};

test.each([
  ['snappy', 'snappy'],
  ['lz4', 'lz4-napi'],
  ['zstd', '@bokuweb/zstd-wasm'],
] as const)(
  'the option compression: %s without its package says what to install',
  async (codec, name) => {
    const registering = registerCodecs({ CompressionCodecs: {} }, codec, NONE);
    await expect(registering).rejects.toMatchObject({
      code: 'MISSING_PACKAGE',
      message: expect.stringMatching(new RegExp(`compression: '${codec}'.*npm install ${name}`)),
    });
  },
);

test.each(['none', 'gzip'] as const)('%s needs no package', async (codec) => {
  await registerCodecs({ CompressionCodecs: {} }, codec, NONE);
});

test('a codec that the application has given kafkajs stays, and needs no package', async () => {
  const own = () => ({});
  const CompressionCodecs = { [COMPRESSIONS.lz4]: own };
  await registerCodecs({ CompressionCodecs }, 'lz4', NONE);
  expect(CompressionCodecs[COMPRESSIONS.lz4]).toBe(own);
});
