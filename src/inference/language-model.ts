/** A trained language identifier as its `model.json` describes it; the fields that inference needs. */
export interface LanguageModelDescription {
  labels: readonly LanguageLabel[];
  hashing: {
    /** The table has 2^bits rows. */
    bits: number;
    /** Longest n-gram, in code points. */
    order: number;
    gramMultiplier: number;
    wordMultiplier: number;
    orderSalt: number;
    wordSalt: number;
  };
  normalisation: {
    form: 'NFC';
    /** Code points that are replaced, and their replacements, in the same order. */
    from: string;
    to: string;
    /** Inclusive ranges of code points that separate words. */
    separators: readonly (readonly [number, number])[];
  };
  weights: { bytes: number; tensors: readonly TensorLayout[] };
}

export interface LanguageLabel {
  /** ISO 639-3, of the macrolanguage where the members are folded into it. */
  code: string;
  /** English name. */
  name: string;
  /** Primary BCP 47 subtag. */
  tag: string;
  /** ISO 639-3 codes of the languages that are folded into it. */
  members?: readonly string[] | undefined;
}

export interface TensorLayout {
  name: string;
  type: 'int8' | 'float32';
  shape: readonly number[];
  byteOffset: number;
}
