/** TPM_CC (TPM 2.0 Library Part 2, 6.5.2). */
export const COMMAND = {
  evictControl: 0x120,
  nvDefineSpace: 0x12a,
  createPrimary: 0x131,
  nvIncrement: 0x134,
  startup: 0x144,
  activateCredential: 0x147,
  certify: 0x148,
  getTime: 0x14c,
  nvRead: 0x14e,
  policySecret: 0x151,
  create: 0x153,
  load: 0x157,
  quote: 0x158,
  sign: 0x15d,
  flushContext: 0x165,
  nvReadPublic: 0x169,
  readPublic: 0x173,
  startAuthSession: 0x176,
  getCapability: 0x17a,
  nvCertify: 0x184,
} as const;

/** TPM_RH: hierarchies and the two that stand for "none" and "a password" (Part 2, 7.4). */
export const HIERARCHY = {
  owner: 0x40000001,
  none: 0x40000007,
  password: 0x40000009,
  endorsement: 0x4000000b,
} as const;

/** TPM_ALG_ID (Part 2, 6.3). */
export const ALGORITHM = {
  rsa: 0x0001,
  aes: 0x0006,
  sha256: 0x000b,
  none: 0x0010,
  ecdsa: 0x0018,
  ecc: 0x0023,
  cfb: 0x0043,
} as const;

/** TPMA_SESSION (Part 2, 8.4). `decrypt` is of the command's first parameter, `encrypt` of the response's. */
export const SESSION_ATTRIBUTE = { continue: 0x01, decrypt: 0x20, encrypt: 0x40 } as const;

/** TPM_ST (Part 2, 6.9). */
export const TAG = {
  noSessions: 0x8001,
  sessions: 0x8002,
  attestNv: 0x8014,
  attestCertify: 0x8017,
  attestQuote: 0x8018,
  attestTime: 0x8019,
  creation: 0x8021,
  authSecret: 0x8023,
  hashCheck: 0x8024,
} as const;

/** The longest that fields of SHA-256 and P-256 objects may be. */
export const SIZE = {
  digest: 32,
  /** TPM2B_NAME: algorithm and digest; a handle stands for itself in four bytes. */
  name: 34,
  nonce: 32,
  coordinate: 32,
  /** TPM2B_DATA: a caller's own bytes in an attest structure, at most a TPMT_HA. */
  qualifying: 66,
  publicArea: 1024,
  privateArea: 1024,
  attest: 1024,
  encryptedSecret: 512,
  credential: 512,
  /** A certificate in an NV index; that of an endorsement key has one to two thousand bytes. */
  certificate: 4096,
  /** Whole command or response; chips take and give no more. */
  frame: 4096,
} as const;
