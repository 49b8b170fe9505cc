"""The errors of SelectObject: OSS's codes, and sentences for who reads them; and those of tasks. The second page of the
table in `errors`.

Source: OSS API reference, SelectObject, ErrorCode. All are status 400: in the reply, or, once rows have been sent, in
the end frame. The sentences are ours.
"""

from __future__ import annotations

from typing import Final

from .errors import Fault

_ROWS: Final = (
    # the request
    ("InvalidSqlParameter", "The SQL statement is empty, longer than 16 KB, or not base64."),
    ("InvalidInputFieldDelimiter", "The FieldDelimiter of the input must be the base64 of one ASCII character."),
    ("InvalidInputRecordDelimiter", "The RecordDelimiter of the input must be base64 of one or two ASCII characters."),
    ("InvalidInputQuote", "The QuoteCharacter of the input must be the base64 of one ASCII character."),
    ("InvalidOutputFieldDelimiter", "The FieldDelimiter of the output must be the base64 of one ASCII character."),
    ("InvalidOutputRecordDelimiter", "The RecordDelimiter of the output must be base64 of up to two ASCII characters."),
    ("InvalidCommentCharacter", "The CommentCharacter must be the base64 of one ASCII character."),
    ("UnsupportedCompressionFormat", "CompressionType must be None or GZIP."),
    ("InvalidRange", "Range must be line-range=START-END or split-range=START-END."),
    ("InvalidMaxSkippedRecordsAllowed", "MaxSkippedRecordsAllowed must be a whole number."),
    ("InvalidOSSSelectParameters", "EnablePayloadCrc and OutputRawData cannot both be true."),
    # the statement
    ("SqlSyntaxError", "The SQL statement is not understood."),
    ("SqlExceedsMaxInCount", "IN may hold at most 1024 values."),
    ("SqlExceedsMaxColumnNameLength", "A column name may be at most 1024 bytes long."),
    ("SqlInvalidColumnIndex", "A column index must be between 1 and 1000."),
    ("SqlInvalidColumnName", "A column name is not in the header of the CSV object."),
    ("SqlValueTypeOfInMustBeSame", "The values in IN must all be of one type."),
    ("SqlInvalidEscapeChar", "The ESCAPE character of LIKE cannot be ?, % or *."),
    ("SqlOnlyOneEscapeCharIsAllowed", "The ESCAPE of LIKE must be one character."),
    ("SqlNoCharAfterEscapeChar", "In LIKE, a character must follow the ESCAPE character."),
    ("SqlInvalidLimitValue", "LIMIT must be at least 1."),
    ("SqlExceedsMaxWildCardCount", "LIKE may have at most 5 of the wildcards % and *."),
    ("SqlExceedsMaxConditionCount", "WHERE may have at most 20 conditions."),
    ("SqlExceedsMaxConditionDepth", "WHERE may be nested at most 10 deep."),
    ("SqlOneColumnCastToDifferentTypes", "A column is CAST to different types."),
    ("SqlComparerOperandTypeMismatch", "Two values of different types are compared."),
    ("SqlInvalidLikeOperand", "LIKE needs a column or a text on its left and a text on its right."),
    ("SqlInvalidMixOfAggregationAndColumn", "Aggregations and plain columns cannot be selected together."),
    ("SqlInvalidMixOfStarAndColumn", "* and columns cannot be selected together."),
    ("SqlExceedsMaxAggregationCount", "At most 100 aggregations can be selected."),
    ("SqlInvalidAggregationOnTimestamp", "SUM and AVG cannot be taken of timestamps."),
    ("SqlAggregationOnNonNumericType", "SUM and AVG are taken of numbers, MIN and MAX of numbers or timestamps."),
    ("SqlInvalidKeepAllColumnsWithAggregation", "KeepAllColumns does not go with aggregations."),
    ("SqlInvalidKeepAllColumnsWithDuplicateColumn", "KeepAllColumns does not go with a column that is selected twice."),
    ("SqlInvalidSqlAfterAnalysis", "The SQL statement is understood and not supported."),
    ("SqlUnsupportedSql", "The SQL statement has more columns than 1000."),
    ("InvalidArithmeticOperand", "Arithmetic needs numbers."),
    ("SqlInvalidAndOperand", "AND joins conditions."),
    ("SqlInvalidOrOperand", "OR joins conditions."),
    ("SqlInvalidNotOperand", "NOT stands before a condition."),
    ("SqlInvalidIsNullOperand", "IS NULL stands behind a column."),
    ("SqlInvalidConcatOperand", "|| joins texts, of which one at least is a column."),
    ("SqlNotSupportedTimestampFormat", "This timestamp format is not supported."),
    ("NegativeRowIndex", "An array index cannot be negative."),
    ("ExceedsMaxNestedColumnDepth", "A JSON path may have at most 10 levels."),
    ("NestedColumnNotSupportInCsv", "Columns of a CSV object have neither periods nor brackets in their names."),
    ("TableRootNodeOnlySupportInJson", "A path behind ossobject is for JSON objects only."),
    ("WildCardNotAllowed", "[*] may stand in the path behind FROM ossobject only."),
    # the data
    ("DecompressFailure", "The object is not a GZIP file, or a broken one."),
    ("InvalidTextEncoding", "The object is not UTF-8."),
    ("InvalidCsvLine", "A row of the CSV object cannot be used."),
    ("InvalidJsonData", "The object is not well-formed JSON."),
    ("HeaderInfoExceedsMaxSize", "The header of the CSV object is larger than 256 KB or has more than 1000 columns."),
    ("JsonNodeExceedsMaxSize", "A node of the JSON object is larger than 512 KB."),
    ("JsonNodeExceedsMaxDepth", "A node of the JSON object is nested too deep."),
    ("ExceedsMaxJsonArraySize", "An array of the JSON object has more than 5000 elements."),
    ("OutputExceedsMaxSize", "A row of the output is larger than 512 KB."),
)  # fmt: skip

# Code -> its row.
FAULTS: Final = {code: Fault(code, 400, message) for code, message in _ROWS}

# --- ours ---
SELECT_TOO_COSTLY: Final = Fault(
    "SqlUnsupportedSql", 400, "This query takes more memory or time than one query may take. Ask for fewer rows."
)
SELECT_BUSY: Final = Fault(
    "ServiceUnavailable", 503, "More queries are under way than the server takes on. Try again later."
)
SELECT_LOST: Final = Fault("InternalError", 500, "The process that carried this query out has ended. Try again.")
