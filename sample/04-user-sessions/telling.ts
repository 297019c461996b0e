/** What a worker tells the main process, which prints the timeline. */
export type Told =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'owned';
      readonly session: string;
      readonly by: string;
      readonly token: number;
    }
  | {
      readonly kind: 'given up';
      readonly session: string;
      readonly by: string;
      readonly reason: string;
    }
  | {
      readonly kind: 'handled';
      readonly session: string;
      readonly step: number;
      readonly token: number;
    };

export const tell = (told: Told): void => void process.send?.(told);
