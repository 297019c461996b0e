import { defineConfig } from 'rolldown';
import { optionalPackages } from './optional-packages.js';

export default defineConfig({
  input: 'dist/main.js',
  platform: 'node',
  external: optionalPackages.map((name) => new RegExp(`^${name}(/|$)`)),
  output: {
    file: 'bundle/main.mjs',
    format: 'esm',
    codeSplitting: false,
    minify: true,
  },
});
