import type { Provider } from '@nestjs/common';
import { concealed } from '../../core/option-schema/concealed.js';
import { checkedObject } from './module-options.js';

/**
 * Hides the values of options, which contain passwords: printing the module, or its providers,
 * shows only the names of the options.
 * @param token the token of the options. Other providers stay as they are
 */
export function concealing(token: symbol): (provider: Provider) => Provider {
  return (provider) => {
    if (typeof provider !== 'object' || provider.provide !== token) return provider;
    if ('useValue' in provider) {
      const { provide, useValue } = provider;
      return { provide, useFactory: () => conceal(useValue as object) };
    }
    if (!('useFactory' in provider)) return provider;
    const { useFactory } = provider;
    return {
      ...provider,
      useFactory: async (...args: unknown[]) => conceal((await useFactory(...args)) as object),
    };
  };
}

function conceal(options: object): object {
  checkedObject(options, 'what useFactory or createStreamsOptions answers');
  return concealed({ ...options }, (held) => `Options: ${Object.keys(held).join(', ')}`);
}
