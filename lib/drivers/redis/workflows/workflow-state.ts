/** Fields of the hash that stores a workflow's state. */
export const BEGUN = 'begun';
export const CANCELLED = 'cancelled';
