/** What a TPM said instead of an answer (TPM_RC, Library Part 2, 6.6), for people and for what to do next. */
export type ResponseCode = {
  readonly code: number;
  /** Plain words with the number. */
  readonly says: string;
  /**
   * `retry` nothing was done, the same command may be sent again; `start` the TPM was reset and waits for startup;
   * `session` the sessions in use are gone or wrong, new ones may help; `failure` the TPM is out of order until a
   * reset; `other` the same command will be refused again.
   */
  readonly then: "retry" | "start" | "session" | "failure" | "other";
};

/** Any 32-bit number; one that the specification does not know is `other`. */
export function responseCodeOf(code: number): ResponseCode {
  const number = `0x${code.toString(16).padStart(3, "0")}`;
  const known = WHOLE.get(code);
  if (known !== undefined) return { code, says: `${known} (${number})`, then: nextOf(code) };
  if (isFormatOne(code)) {
    const what = FORMAT_ONE.get(code & 0xbf) ?? "something is not as it must be";
    const says = `${what}: ${placeOf(code)} (${number})`;
    return { code, says, then: isAboutSession(code) ? "session" : "other" };
  }
  return { code, says: `the TPM refused with ${number}`, then: nextOf(code) };
}

/** TPM_RC_NV_DEFINED: that index exists. */
export const NV_ALREADY_DEFINED = 0x14c;

/** TPM_RC_NV_UNINITIALIZED: the index is defined, and was never written. */
export const NEVER_WRITTEN = 0x14a;

/** TPM_RC_HANDLE on the first handle, for a command that only reads: nothing is there. */
export const NOTHING_THERE = 0x18b;

const WHOLE: ReadonlyMap<number, string> = new Map([
  [0x01e, "the TPM did not understand the command's tag"],
  [0x100, "the TPM was reset and waits for its startup, or has had it"],
  [0x101, "the TPM is in failure mode and needs a reset"],
  [0x120, "the command is disabled"],
  [0x125, "an authorisation value or policy is missing"],
  [0x12f, "this object cannot be authorised that way"],
  [0x143, "the TPM does not have this command"],
  [0x145, "the authorisation area is not as long as it says"],
  [0x146, "the command has more or fewer sessions than it needs"],
  [0x148, "the NV index is locked"],
  [0x149, "the NV index does not allow this"],
  [NEVER_WRITTEN, "the NV index has never been written"],
  [0x14b, "no NV space is left, or the persistent handles are all used"],
  [NV_ALREADY_DEFINED, "that NV index or persistent handle is already in use"],
  [0x902, "the TPM has no memory for another object"],
  [0x903, "the TPM has no memory for another session"],
  [0x904, "the TPM is out of memory"],
  [0x905, "the TPM has no session left"],
  [0x908, "the TPM gave way to another command"],
  [0x909, "the command was cancelled"],
  [0x90a, "the TPM is testing itself"],
  [0x910, "the first handle names nothing that is loaded"],
  [0x911, "the second handle names nothing that is loaded"],
  [0x912, "the third handle names nothing that is loaded"],
  [0x918, "the first session is not loaded"],
  [0x919, "the second session is not loaded"],
  [0x91a, "the third session is not loaded"],
  [0x920, "the TPM limits writes to its memory for now"],
  [0x921, "the TPM is locked after too many wrong authorisations"],
  [0x922, "the TPM is busy"],
  [0x923, "the TPM's memory cannot be written now"],
]);

const FORMAT_ONE: ReadonlyMap<number, string> = new Map([
  [0x081, "an algorithm is not supported or not right here"],
  [0x082, "the attributes are not allowed"],
  [0x083, "a hash algorithm is not supported or not right here"],
  [0x084, "a value is out of range"],
  [0x085, "the hierarchy is not enabled or not right here"],
  [0x087, "a key size is not supported"],
  [0x08a, "the type is not right here"],
  [0x08b, "nothing is at this handle"],
  [0x08e, "the authorisation failed, and counted towards lockout"],
  [0x08f, "a nonce is not right"],
  [0x092, "the scheme is not supported or not right here"],
  [0x095, "a length is not right"],
  [0x096, "a symmetric algorithm is not supported or not right here"],
  [0x097, "a tag is not right"],
  [0x09a, "not enough bytes"],
  [0x09c, "the key is not right for this"],
  [0x09d, "the policy is not satisfied"],
  [0x09f, "an integrity check failed"],
  [0x0a0, "a ticket is not right"],
  [0x0a2, "the authorisation is wrong"],
  [0x0a3, "the policy has expired"],
  [0x0a7, "a point is not on the curve"],
]);

/** Bit 7: the number says which parameter, handle or session it is about. */
function isFormatOne(code: number): boolean {
  return code <= 0xfff && (code & 0x80) !== 0;
}

function isAboutSession(code: number): boolean {
  return isFormatOne(code) && (code & 0x840) === 0x800;
}

function placeOf(code: number): string {
  const number = (code >> 8) & 0xf;
  if ((code & 0x40) !== 0) return number === 0 ? "a parameter" : `parameter ${number}`;
  if (isAboutSession(code)) return (number & 7) === 0 ? "a session" : `session ${number & 7}`;
  return number === 0 ? "a handle" : `handle ${number}`;
}

function nextOf(code: number): ResponseCode["then"] {
  if (code === 0x908 || code === 0x90a || code === 0x920 || code === 0x922) return "retry";
  if (code === 0x100) return "start";
  if (code === 0x101) return "failure";
  if ((code >= 0x918 && code <= 0x91e) || code === 0x903 || code === 0x905) return "session";
  return "other";
}
