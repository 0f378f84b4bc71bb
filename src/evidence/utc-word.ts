/** ISO 8601 of UTC seconds from 1970 to 9999, whole ones, by the Gregorian calendar. */
export function utcWord(utcS: number): string {
  const days = Math.floor(utcS / DAY_S);
  const ofDay = utcS - days * DAY_S;
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const leaps =
    Math.floor(ofEra / 1_460) - Math.floor(ofEra / 36_524) + Math.floor(ofEra / 146_096);
  const year = Math.floor((ofEra - leaps) / 365);
  const ofYear = ofEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const month = Math.floor((5 * ofYear + 2) / 153);
  const day = ofYear - Math.floor((153 * month + 2) / 5) + 1;
  const civil = month < 10 ? month + 3 : month - 9;
  const date = [pad(year + era * 400 + (civil <= 2 ? 1 : 0), 4), pad(civil), pad(day)].join("-");
  const time = [ofDay / 3_600, (ofDay / 60) % 60, ofDay % 60].map((part) => pad(Math.floor(part)));
  return `${date}T${time.join(":")}Z`;
}

const DAY_S = 86_400;

function pad(value: number, digits = 2): string {
  return value.toString().padStart(digits, "0");
}
