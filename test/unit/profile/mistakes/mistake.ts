/**
 * Mistakes planted into the fixture, one at a time, and all that must be said about each: where (line and
 * column, from 1), what is underlined, what is wrong, what to do.
 */
export type Mistake = {
  readonly name: string;
  readonly was: string;
  readonly is: string;
  readonly says: readonly Saying[];
};

export type Saying = {
  readonly at: string;
  readonly marks: string;
  readonly message: string;
  readonly hint: string | null;
};
