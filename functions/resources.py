"""Grants on the resources of VisionScope itself; what the building blocks need is in `shared.aws.grants`.

Infrastructure knows each of them: what actions it allows and which environment variable names the resource.
"""

from shared.aws.grants import Grant

UPLOADS_WRITE = Grant("uploads", "write")
"""Sign uploads. `UPLOADS_BUCKET`."""
UPLOADS_READ = Grant("uploads", "read")
UPLOADS_DELETE = Grant("uploads", "delete")
"""List and remove."""
RESULTS_READ = Grant("results", "read")
"""Read results and sign links to keyframes. `RESULTS_BUCKET`."""
RESULTS_WRITE = Grant("results", "write")
RESULTS_DELETE = Grant("results", "delete")
ANSWER_MODEL_INVOKE = Grant("answer-model", "invoke")
"""Call the stage's answer model. `ANSWER_MODEL`, which isn't set in a stage without one."""
TOKENS_SIGN = Grant("token-key", "sign")
"""Sign access tokens. `TOKEN_KEY_ID`."""
TOKENS_VERIFY = Grant("token-key", "verify")
"""Read the public key."""
ANALYSES_SUBMIT = Grant("analysis-jobs", "submit")
"""Submit Batch jobs. `ANALYSIS_JOB_QUEUE`, `ANALYSIS_JOB_DEFINITION`."""
ANALYSES_TERMINATE = Grant("analysis-jobs", "terminate")
"""Find and end Batch jobs. `ANALYSIS_JOB_QUEUE`."""
OUTBOX_READ = Grant("outbox", "read")
"""Look at what is unpublished. `OUTBOX_TABLE`."""
DEAD_LETTERS_READ = Grant("dead-letters", "read")
"""Read the stage's dead-letter queues. `DEAD_LETTER_SOURCES`."""
DEAD_LETTERS_DISCARD = Grant("dead-letters", "discard")
"""Read and remove."""
DEAD_LETTERS_REDRIVE = Grant("dead-letters", "redrive")
"""Read, send to the queue that it came from, and remove."""
SUBSCRIPTIONS_READ = Grant("subscriptions", "read")
"""Know who subscribes to what. `SUBSCRIPTIONS`."""
