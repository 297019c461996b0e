import { build } from 'esbuild';
import { optionalPackages } from './optional-packages.js';

await build({
  entryPoints: ['dist/main.js'],
  outfile: 'bundle/main.mjs',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  minify: true,
  external: optionalPackages,
  // Express is CommonJS, and calls `require`, which an ES module does not have.
  banner: {
    js: `import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);`,
  },
});
