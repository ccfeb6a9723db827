import profile from "./default-profile.json" with { type: "json" };

/** Moby's profile, as text: see NOTICE. */
export const DEFAULT_SECCOMP_PROFILE_TEXT = JSON.stringify(profile);
