/** Modbus Application Protocol V1.1b3, sections 4.1 and 6; messaging on TCP/IP V1.0b, section 3.1.3. */

/** Function code and its parameters. */
export const PDU_BYTES_MAX = 253;
/** Bytes before the PDU on TCP: transaction, protocol, length, unit. */
export const MBAP_BYTES = 7;
export const ADU_BYTES_MAX: number = MBAP_BYTES + PDU_BYTES_MAX;

/** Each of the four tables has addresses 0..65535. */
export const TABLE_ADDRESSES = 65_536;
export const READ_BITS_MAX = 2_000;
export const READ_WORDS_MAX = 125;
export const WRITE_BITS_MAX = 1_968;
export const WRITE_WORDS_MAX = 123;
/** FC23 writes two words less than FC16: its request also says what to read. */
export const READ_WRITE_WORDS_MAX = 121;

/** The functions this codec speaks; every other one is refused with exception 1. */
export const FUNCTIONS = [1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43] as const;
